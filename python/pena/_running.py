"""What runs in this process: stopped at exit; and the thread that logs what it says."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import logging
import os
import sys
import threading
import traceback
import weakref
from collections.abc import Callable
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from pena import _pena
from pena._process import this_process
from pena.errors import NotRunningError


class _Stoppable(Protocol):
    def stop(self) -> object: ...


_Native = TypeVar("_Native")


class Engine(Generic[_Native]):
    """What a server or client has started, if it has, and in which process.

    A fork copies the object but not the engine's threads, so in the child it is of no use.
    """

    def __init__(self, word: str) -> None:
        self._word = word
        self._native: _Native | None = None
        self._process = this_process()
        self._start = threading.Lock()  # whoever has it starts

    def start(self, make: Callable[[], _Native]) -> None:
        """Keep what `make` starts. Of several threads one calls it; the others: NotRunningError.

        Where `make` raises, nothing was started, and a later call may.
        """
        # Without waiting: a forked child, or a handler of a signal, may find it taken for ever.
        if not self._start.acquire(blocking=False):
            raise self._again()
        try:
            if self.started:
                raise self._again()
            self._process = this_process()  # first: what was started is seen with its process
            self._native = make()
        finally:
            self._start.release()

    def _again(self) -> NotRunningError:
        return NotRunningError(f"the {self._word} was started before; make a new one")

    @property
    def started(self) -> bool:
        """Whether it was started, in this process or in its parent."""
        return self._native is not None

    @property
    def here(self) -> bool:
        """Whether it was started in this process."""
        return self._native is not None and self._process is this_process()

    def get(self) -> _Native:
        """Return the engine, or raise NotRunningError."""
        if self._native is None:
            raise NotRunningError(
                f"the {self._word} was not started: call start() or use `with`",
            )
        if not self.here:
            raise NotRunningError(
                f"the {self._word} runs in process {self._process.id}, from which this one was "
                "forked; expected a call there, or a new one made here"
            )
        return self._native


class _Log:
    """Takes the engines' lines out of their queue and hands them to logging.

    One thread does it, so an engine never waits for Python, and no handler can hold an engine up.
    """

    def __init__(self) -> None:
        self.queue = _pena.LogQueue()
        self._thread = threading.Thread(target=self._run, name="pena-log", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while lines := self.queue.take():
            for name, level, text in lines:
                try:
                    with _writing:
                        logging.getLogger(name).log(level, "%s", text)
                except BaseException:  # of a handler or filter; the next line is logged again
                    if logging.raiseExceptions and sys.stderr is not None:
                        with contextlib.suppress(Exception):
                            traceback.print_exc()

    def flush(self) -> None:
        """Wait until what was said is logged; the logging thread would wait for itself."""
        if threading.current_thread() is not self._thread:
            self.queue.flush(timedelta(seconds=1))

    def close(self) -> None:
        self.queue.close()
        self._thread.join(_PATIENCE)  # a handler may write to a pipe that nobody reads


_lock = threading.RLock()  # a handler of a signal may start a server
_log: _Log | None = None
_running: weakref.WeakValueDictionary[int, _Stoppable] = weakref.WeakValueDictionary()
_starts = itertools.count()
_writing = threading.RLock()  # a handler may fork
_PATIENCE = 1.0  # seconds that a fork waits for a handler


def _pause_log() -> None:
    """Before a fork: a child born amid a line would find its handler's locks held for ever."""
    _writing.acquire(timeout=_PATIENCE)


def _resume_log() -> None:
    with contextlib.suppress(RuntimeError):  # not acquired in time
        _writing.release()


def _forget() -> None:
    """In a forked child: what ran in the parent does not run here."""
    global _lock, _log, _writing
    _lock = threading.RLock()
    _writing = threading.RLock()
    _log = None
    _running.clear()


os.register_at_fork(before=_pause_log, after_in_parent=_resume_log, after_in_child=_forget)


def log_queue() -> _pena.LogQueue:
    """Return the queue for an engine that starts.

    Lines below the level that the loggers have now are dropped where they arise.
    """
    global _log
    with _lock:
        if _log is None:
            _log = _Log()
            atexit.register(_stop_all)
        loggers = [logging.getLogger(f"pena.{name}") for name in ("server", "client", "worker")]
        _log.queue.set_threshold(min(logger.getEffectiveLevel() for logger in loggers))
        return _log.queue


def flush_log() -> None:
    """Wait, a second at most, until the lines so far are logged."""
    if _log is not None:
        _log.flush()


def started(engine: _Stoppable) -> None:
    """Remember what has to be stopped before the interpreter ends."""
    with _lock:
        _running[next(_starts)] = engine


def _stop_all() -> None:
    # The last first: a client's last report finds its server. A server that failed has ended as
    # well; its error belongs to whoever waits for it.
    with _lock:  # another thread may start one meanwhile
        running = sorted(_running.items(), reverse=True)
    for _, engine in running:
        with contextlib.suppress(Exception):
            engine.stop()
    if _log is not None:
        _log.close()
