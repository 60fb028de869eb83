"""Lines of the log, whose filters and handlers are the user's."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from pena.worker.outcomes import said

Levels = tuple[tuple[str, int], ...]
"""Of loggers, by their names; the root's is empty."""


def log_safely(log: Callable[[], object]) -> None:
    """Call what logs; where a filter of the user's fails, print that and go on."""
    try:
        log()
    except (Exception, SystemExit):
        if logging.raiseExceptions and sys.stderr is not None:
            with contextlib.suppress(Exception):
                traceback.print_exc()


def text_of_record(record: logging.LogRecord) -> str:
    """Return a prepared record as JSON, which any process can read; what is no JSON as text."""
    try:
        return json.dumps(vars(record))
    except Exception:  # of something that was put beside it
        return json.dumps({name: _plain(value) for name, value in vars(record).items()})


def _plain(value: Any) -> Any:
    is_number = isinstance(value, int) and abs(value) < 2**63
    return value if is_number or isinstance(value, (type(None), float, str)) else said(value)


def log_text(text: str) -> None:
    """Log what another process has logged, as this one's loggers are set."""
    record = logging.makeLogRecord(json.loads(text))
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        logger.handle(record)


def levels() -> Levels:
    """Return the levels that were set in this process."""
    named = [
        (name, logger.level)
        for name, logger in list(logging.root.manager.loggerDict.items())
        if isinstance(logger, logging.Logger) and logger.level != logging.NOTSET
    ]
    return (("", logging.root.level), *named)


def set_levels(those: Iterable[tuple[str, int]]) -> None:
    """Set them in this process."""
    for name, level in those:
        logging.getLogger(name).setLevel(level)
