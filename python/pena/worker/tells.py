"""What a process of a worker tells the one that looks after it: its log and its numbers."""

from __future__ import annotations

import logging
import logging.handlers
import pickle
import queue
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pena._process import this_process
from pena.worker.ended import WorkerEnd, WorkerStats
from pena.worker.log_lines import text_of_record

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Told = str | WorkerStats | WorkerEnd  # a line of the log is JSON

_EVERY = 0.2  # seconds between two reports of the numbers
_MOST_LINES = 10_000  # of the log, that wait to be told


class Tells:
    """Sends what is to be told, in a thread of its own.

    Handlers are interrupted at any step, so they only leave their lines.
    """

    def __init__(self, pipe: Connection, stats: Callable[[], WorkerStats]) -> None:
        """Nothing is told yet."""
        self._pipe = pipe
        self._stats = stats
        self._lines: queue.SimpleQueue[Told | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="pena-tells", daemon=True)

    def start(self) -> None:
        """Tell the numbers, now and again and again."""
        self._thread.start()

    def put(self, line: str) -> None:
        """Tell a line of the log; wait where too many are not told yet."""
        while self._lines.qsize() >= _MOST_LINES and self._thread.is_alive():
            time.sleep(_EVERY / 10)
        self._lines.put(line)

    def end(self, end: WorkerEnd) -> None:
        """Tell the last."""
        self._lines.put(end)
        self._lines.put(None)
        self._thread.join()

    def _run(self) -> None:
        told: Told | None = self._stats()
        try:
            while told is not None:
                self._pipe.send_bytes(pickle.dumps(told))
                try:
                    told = self._lines.get(timeout=_EVERY)
                except queue.Empty:
                    told = self._stats()
        except OSError:
            return  # nobody listens any more


class LogToParent(logging.handlers.QueueHandler):
    """What is logged in a process is logged by its parent, as that is set."""

    def __init__(self, tells: Tells) -> None:
        """Leave the lines there."""
        super().__init__(queue.Queue())
        self._tells = tells
        self._process = this_process()

    def enqueue(self, record: logging.LogRecord) -> None:
        """Leave a line that was made ready."""
        if self._process is this_process():
            self._tells.put(text_of_record(record))
        elif logging.lastResort is not None:  # a handler has forked: nobody tells for its child
            logging.lastResort.handle(record)
