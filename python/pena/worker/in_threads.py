"""Handlers that are functions: one message after the other, in one thread or several."""

from __future__ import annotations

import contextlib
import ctypes
import inspect
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

from pena import _pena
from pena.worker.message import Msg
from pena.worker.outcomes import TimedOut
from pena.worker.running_handler import Call, Rules

Handler = Callable[[Msg], object]


class _GivenBack(BaseException):
    """Raised in a handler whose message was given back, for the worker was told to stop at once."""


_KINDS: dict[str, type[BaseException]] = {"timed_out": TimedOut, "given_back": _GivenBack}
_raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc


# A thread that waits in a system call reads its exception behind that. A signal ends the wait, but
# only of the main thread: there Python looks at what has come before it waits on (PEP 475). This
# signal's own meaning is nothing at all.
_WAKE_UP = signal.SIGURG
_AGAIN = timedelta(milliseconds=50)  # the signal may come just before the wait
_NOW = timedelta(0)


class _Watch:
    """Interrupts handlers that nobody waits for any more."""

    def __init__(self, engine: _pena.Worker, wakes: int | None = None) -> None:
        """`wakes`: the thread that a signal wakes up; None: no thread."""
        self._engine = engine
        self._wakes = wakes
        self._lock = threading.Lock()
        self._runs: dict[int, int] = {}  # by the thread that works on it
        self._interrupted: int | None = None  # what the thread that is to wake up works on

    def start(self) -> None:
        threading.Thread(target=self._run, name="pena-watch", daemon=True).start()

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
            _raise_in(ctypes.c_ulong(thread), None)


def _no_coroutine(result: object) -> object:
    """Refuse what nobody would await, such as of a lambda around an `async def`."""
    if inspect.iscoroutine(result):
        result.close()
        raise TypeError("the handler returned a coroutine; expected an async def as the handler")
    return result


def _handle(call: Call, handler: Handler, watch: _Watch) -> None:
    try:
        watch.begin(call.run)
        try:
            result = _no_coroutine(handler(call.read()))
        finally:
            watch.end()
    except TimedOut as error:
        call.timed_out(error)
    except _GivenBack:
        call.given_up()
    except BaseException as error:  # a handler's SystemExit ends its message, and not the worker
        call.raised(error)
    else:
        call.returned(result)


def _work(
    engine: _pena.Worker,
    handler: Handler,
    rules: Rules,
    watch: _Watch,
    *,
    for_signals: bool = False,
    worker: object = None,
) -> None:
    """`worker`: is kept for as long as this works."""
    while (taken := engine.take(None, for_signals)) is not None:
        call = Call(engine, taken, rules)
        try:
            _handle(call, handler, watch)
        except (TimedOut, _GivenBack):  # it came between the handler's end and that of the watch
            call.given_up()


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


def work_here(engine: _pena.Worker, handler: Handler, rules: Rules) -> None:
    """Work in the calling thread, and one message at a time, until the worker has ended."""
    with _wakeable() as wakes:
        watch = _Watch(engine, wakes)
        watch.start()
        main = threading.current_thread() is threading.main_thread()
        _work(engine, handler, rules, watch, for_signals=main)


def start_threads(
    engine: _pena.Worker, handler: Handler, rules: Rules, threads: int, worker: object
) -> list[threading.Thread]:
    """Start the threads that work until the worker has ended, and keep `worker`.

    A process that ends does not wait for them: what they work on is sent again.
    """
    watch = _Watch(engine)
    watch.start()
    started = [
        threading.Thread(
            target=_work,
            args=(engine, handler, rules, watch),
            kwargs={"worker": worker},
            name=f"pena-worker-{number}",
            daemon=True,
        )
        for number in range(1, threads + 1)
    ]
    with contextlib.ExitStack() as undo:
        undo.callback(engine.stop)  # where a thread cannot start
        for thread in started:
            thread.start()
        undo.pop_all()
    return started
