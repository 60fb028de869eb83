"""Handlers that are functions: one msg after the other, in one thread or several."""

from __future__ import annotations

import contextlib
import ctypes
import inspect
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import NoReturn

from pena import _pena
from pena._process import this_process
from pena.errors import SettingsError
from pena.worker.message import Msg
from pena.worker.outcomes import TimedOut
from pena.worker.running_handler import Call, Rules

Handler = Callable[[Msg], object]


class _GivenBack(BaseException):
    """Raised in a handler whose msg was given back, for the worker was told to stop at once."""


_KINDS: dict[str, type[BaseException]] = {"timed_out": TimedOut, "given_back": _GivenBack}
_raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc


# A thread that waits in a system call reads its exception behind that. A signal ends the wait, but
# only of the main thread: there Python looks at what has come before it waits on (PEP 475). This
# signal's own meaning is nothing at all.
_WAKE_UP = signal.SIGURG
_AGAIN = timedelta(milliseconds=50)  # the signal may come just before the wait
_NOW = timedelta(0)


class _TakenBack(BaseException):
    """Takes the place of an exception that is on its way to this thread."""


def _take_back(thread: int) -> None:
    """Let no exception be on its way to this thread any more.

    It is not simply taken away: CPython 3.11 would look for it for ever, and a thread that is
    traced (by coverage, a debugger) would do nothing else.
    """
    try:
        _raise_in(ctypes.c_ulong(thread), ctypes.py_object(_TakenBack))
        while True:
            time.sleep(0)
    except _TakenBack:
        return


class _Watch:
    """Interrupts handlers that nobody waits for any more."""

    def __init__(self, engine: _pena.Worker) -> None:
        self._engine = engine
        self._wakes: int | None = None  # the thread that a signal wakes up
        self._lock = threading.Lock()
        self._runs: dict[int, int] = {}  # by the thread that works on it
        self._interrupted: int | None = None  # what the thread that is to wake up works on
        self._raised: set[int] = set()  # threads that have an exception on its way
        self._thread = threading.Thread(target=self._run, name="pena-watch", daemon=True)

    def start(self, wakes: int | None = None) -> None:
        self._wakes = wakes
        self._thread.start()

    def join(self) -> None:
        """Once the engine has ended; not where it still interrupts a handler."""
        while self._thread.is_alive() and self._interrupted is None:
            self._thread.join(_AGAIN.total_seconds())

    def is_in_handler(self, thread: int | None) -> bool:
        with self._lock:
            return thread in self._runs

    def _run(self) -> None:
        over = False
        while not over:
            over = not self._engine.running()
            patience = _NOW if over else _AGAIN if self._interrupted is not None else None
            for run, reason in self._engine.take_cancelled(patience):
                if reason in _KINDS:
                    self._interrupt(run, _KINDS[reason])
            self._wake_up()
        while self._wake_up():
            time.sleep(_AGAIN.total_seconds())

    def _interrupt(self, run: int, kind: type[BaseException]) -> None:
        with self._lock:
            for thread, its in self._runs.items():
                if its == run:
                    _raise_in(ctypes.c_ulong(thread), ctypes.py_object(kind))
                    self._raised.add(thread)
                    if thread == self._wakes:
                        self._interrupted = run

    def _wake_up(self) -> bool:
        """End the wait of a handler that is interrupted; return whether there is one."""
        with self._lock:
            if self._wakes is None or self._interrupted is None:
                return False
            signal.pthread_kill(self._wakes, _WAKE_UP)
            return True

    def begin(self, run: int) -> None:
        with self._lock:
            self._runs[threading.get_ident()] = run

    def end(self) -> None:
        """From here on no interruption comes; one that is on its way is taken back."""
        thread = threading.get_ident()
        with self._lock:
            self._runs.pop(thread, None)
            if thread == self._wakes:
                self._interrupted = None
            if thread not in self._raised:
                return
            self._raised.discard(thread)
        _take_back(thread)


def _no_coroutine(result: object) -> object:
    """Refuse what nobody would await, such as of a lambda around an `async def`."""
    if inspect.iscoroutine(result):
        result.close()
        raise TypeError("the handler returned a coroutine; expected an async def as the handler")
    return result


def _end_fork(error: BaseException | None) -> NoReturn:
    """End the fork of a handler, as a script would end: the worker is its parent's."""
    code = 0
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    elif error is not None:
        traceback.print_exception(error)
        code = 1
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # closed, or nobody reads it
            stream.flush()
    os._exit(code & 0xFF)


def _handle(call: Call, handler: Handler, watch: _Watch) -> None:
    process = this_process()
    try:
        watch.begin(call.run)
        try:
            result = _no_coroutine(handler(call.read()))
        finally:
            if process is not this_process():
                _end_fork(sys.exc_info()[1])
            watch.end()
    except TimedOut as error:
        call.timed_out(error)
    except _GivenBack:
        call.given_up()
    except BaseException as error:  # a handler's SystemExit ends its msg, and not the worker
        call.raised(error)
    else:
        call.returned(result)


@contextlib.contextmanager
def _wakeable() -> Iterator[int | None]:
    """Take the signal that wakes this thread up; gives None where it cannot or may not be taken."""
    main = threading.main_thread()
    if threading.current_thread() is not main or signal.getsignal(_WAKE_UP) is not signal.SIG_DFL:
        yield None
        return
    signal.signal(_WAKE_UP, lambda number, frame: None)
    try:
        yield main.ident
    finally:
        signal.signal(_WAKE_UP, signal.SIG_DFL)


class Threads:
    """The threads in which a worker's handlers run."""

    def __init__(self, engine: _pena.Worker, handler: Handler, rules: Rules) -> None:
        """None works yet."""
        self._engine = engine
        self._handler = handler
        self._rules = rules
        self._watch = _Watch(engine)
        self._started: list[threading.Thread] = []

    def work_here(self) -> None:
        """Work in the calling thread, one msg at a time, until the worker has ended."""
        with _wakeable() as wakes:
            self._watch.start(wakes)
            self._work(for_signals=threading.current_thread() is threading.main_thread())

    def start(self, threads: int, worker: object) -> None:
        """Start so many, which work until the worker has ended, and keep `worker` meanwhile.

        A process that ends does not wait for handlers: what they work on is sent again.

        Raises SettingsError where the system has no room for so many.
        """
        self._watch.start()
        self._started = [
            threading.Thread(
                target=self._work,
                kwargs={"worker": worker},
                name=f"pena-worker-{number}",
                daemon=True,
            )
            for number in range(1, threads + 1)
        ]
        with contextlib.ExitStack() as undo:
            undo.callback(self._engine.stop)  # where a thread cannot start
            for number, thread in enumerate(self._started, 1):
                try:
                    thread.start()
                except RuntimeError as error:
                    del self._started[number - 1 :]
                    raise SettingsError(
                        f"thread {number} of the {threads} of the worker cannot start: {error}; "
                        "expected room for it, or fewer of them"
                    ) from error
            undo.pop_all()

    def is_in_handler(self) -> bool:
        """Whether the calling thread is in a handler."""
        return self._watch.is_in_handler(threading.get_ident())

    def join(self) -> None:
        """Once the worker has ended, wait for the threads that no handler holds up.

        The interpreter may end next, and a thread that is in the engine then is cut off there.
        """
        for thread in self._started:
            while thread.is_alive() and not self._watch.is_in_handler(thread.ident):
                thread.join(_AGAIN.total_seconds())
        self._watch.join()

    def _work(self, *, for_signals: bool = False, worker: object = None) -> None:
        while (taken := self._engine.take(None, for_signals)) is not None:
            call = Call(self._engine, taken, self._rules)
            try:
                _handle(call, self._handler, self._watch)
            except (TimedOut, _GivenBack):  # it came between the handler's end and the watch's
                call.given_up()
