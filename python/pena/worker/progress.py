"""What a worker shows on stderr while it works."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TextIO

from pena import _pena
from pena.errors import PenaError
from pena.queue import Queue
from pena.worker.ended import WorkerStats

_EVERY_ON_TERMINAL = 0.2  # seconds
_EVERY_IN_FILE = 10.0
_CLEAR = "\r\x1b[2K"  # the line where the cursor is, which goes to its begin


class Progress:
    """A line that is written anew on a terminal; elsewhere a line now and then."""

    def __init__(
        self,
        stats: Callable[[], WorkerStats],
        left: Callable[[], int | None],
        to: TextIO,
    ) -> None:
        """Show what `stats` says, and how many msgs `left` says that there are."""
        self._stats = stats
        self._left = left
        self._to = to
        self._is_terminal = to.isatty()
        self._begun_at = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pena-progress", daemon=True)
        self._thread.start()

    def _line(self, stats: WorkerStats, left: int | None) -> str:
        seconds = max(time.monotonic() - self._begun_at, 1e-3)
        parts = [f"{stats.done} done", f"{stats.failed} failed"]
        if stats.running:
            parts.append(f"{stats.running} running")
        if left is not None:
            parts.append(f"{left} left")
        return ", ".join(parts) + f"  {stats.done / seconds:.1f}/s"

    def _write(self, line: str, end: str) -> None:
        before = _CLEAR if self._is_terminal else ""
        with contextlib.suppress(OSError, ValueError):  # nobody reads it, or it is closed
            self._to.write(f"{before}{line}{end}")
            self._to.flush()

    def _run(self) -> None:
        every = _EVERY_ON_TERMINAL if self._is_terminal else _EVERY_IN_FILE
        while not self._over.wait(every):
            self._write(self._line(self._stats(), self._left()), "" if self._is_terminal else "\n")

    def close(self) -> None:
        """Write the last line."""
        self._over.set()
        self._thread.join()
        self._write(self._line(self._stats(), None), "\n")


class _Cleared(logging.Formatter):
    """Takes away the line that stands, in one write with what is logged in its place."""

    def __init__(self, formatter: logging.Formatter | None) -> None:
        super().__init__()
        self.formatter = formatter
        self.is_on = True
        self._formatter = formatter or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        return (_CLEAR if self.is_on else "") + self._formatter.format(record)


def _handlers(to: TextIO) -> list[logging.Handler]:
    """Return those that write there."""
    named = list(logging.root.manager.loggerDict.values())
    loggers = [logging.root, *(one for one in named if isinstance(one, logging.Logger))]
    several = [*(handler for logger in loggers for handler in logger.handlers), logging.lastResort]
    streams = [one for one in several if isinstance(one, logging.StreamHandler)]
    return [one for one in dict.fromkeys(streams) if one.stream is to]


@contextlib.contextmanager
def _log_above(to: TextIO) -> Iterator[None]:
    """Have what is logged to a terminal meanwhile begin at its left, and not behind the line."""
    cleared = {one: _Cleared(one.formatter) for one in _handlers(to)} if to.isatty() else {}
    for handler, formatter in cleared.items():
        handler.setFormatter(formatter)
    try:
        yield
    finally:
        for handler, formatter in cleared.items():
            formatter.is_on = False
            if handler.formatter is formatter:  # and not that of a line which began later
                handler.setFormatter(formatter.formatter)


def _left(queues: Iterable[Queue]) -> int | None:
    """How many msgs are not settled; None where the server does not say."""
    try:
        several = [queue.stats() for queue in queues]
    except PenaError:
        return None
    return sum(one.queued + one.later + one.held for one in several)


@contextlib.contextmanager
def shown(stats: Callable[[], WorkerStats], settings: _pena.WorkerSettings) -> Iterator[None]:
    """Show on stderr meanwhile how far the worker is; where there is none, nothing."""
    if sys.stderr is None or sys.stderr.closed:
        yield
        return
    with contextlib.ExitStack() as open_queues:
        queues = [
            open_queues.enter_context(Queue(settings.url, name, patience=0, request_timeout=1))
            for name in settings.queues
        ]
        open_queues.enter_context(_log_above(sys.stderr))
        line = Progress(stats, lambda: _left(queues), sys.stderr)
        try:
            yield
        finally:
            line.close()
