"""Queues that a worker is to empty, and that its server knows nothing of."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import partial

from pena.errors import PenaError
from pena.queue import Queue
from pena.worker.log_lines import log_safely

_logger = logging.getLogger("pena.worker")
_PATIENCE = 1.0  # seconds for an answer; where there is none, the worker says what it meets


def warn_of_unknown(url: str, queues: Iterable[str]) -> None:
    """Say which of them may be misspelt: they are empty at once, and else nobody would notice."""
    for name in queues:
        try:
            with Queue(url, name, patience=0, request_timeout=_PATIENCE) as queue:
                is_known = queue._run(queue._plans.is_known())
        except PenaError:
            return
        if not is_known:
            text = "%s has nothing of the queue %s, and nobody takes from it: it may be misspelt"
            log_safely(partial(_logger.warning, text, url, name))
