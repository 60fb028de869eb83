"""Handlers that are functions: one message after the other, in one thread or several."""

from __future__ import annotations

import contextlib
import ctypes
import inspect
import threading
from collections.abc import Callable

from pena import _pena
from pena.worker.message import Msg
from pena.worker.outcomes import TimedOut
from pena.worker.running_handler import Call, Rules

Handler = Callable[[Msg], object]


class _GivenBack(BaseException):
    """Raised in a handler whose message was given back, for the worker was told to stop at once."""


_KINDS: dict[str, type[BaseException]] = {"timed_out": TimedOut, "given_back": _GivenBack}
_raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc


class _Watch:
    """Interrupts handlers that nobody waits for any more."""

    def __init__(self, engine: _pena.Worker) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._runs: dict[int, int] = {}  # by the thread that works on it

    def start(self) -> None:
        threading.Thread(target=self._run, name="pena-watch", daemon=True).start()

    def _run(self) -> None:
        while self._engine.running():
            for run, reason in self._engine.take_cancelled(None):
                if reason in _KINDS:
                    self._interrupt(run, _KINDS[reason])

    def _interrupt(self, run: int, kind: type[BaseException]) -> None:
        with self._lock:
            for thread, its in self._runs.items():
                if its == run:
                    _raise_in(ctypes.c_ulong(thread), ctypes.py_object(kind))

    def begin(self, run: int) -> None:
        with self._lock:
            self._runs[threading.get_ident()] = run

    def end(self) -> None:
        """From here on no interruption comes; one that is on its way is taken back."""
        thread = threading.get_ident()
        with self._lock:
            self._runs.pop(thread, None)
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
            result = _no_coroutine(handler(call.msg))
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
    engine: _pena.Worker, handler: Handler, rules: Rules, watch: _Watch, for_signals: bool
) -> None:
    while (taken := engine.take(None, for_signals)) is not None:
        call = Call(engine, taken, rules)
        try:
            _handle(call, handler, watch)
        except (TimedOut, _GivenBack):  # it came between the handler's end and that of the watch
            call.given_up()


def work_here(engine: _pena.Worker, handler: Handler, rules: Rules) -> None:
    """Work in the calling thread, and one message at a time, until the worker has ended."""
    watch = _Watch(engine)
    watch.start()
    _work(engine, handler, rules, watch, threading.current_thread() is threading.main_thread())


def start_threads(
    engine: _pena.Worker, handler: Handler, rules: Rules, threads: int
) -> list[threading.Thread]:
    """Start the threads that work until the worker has ended.

    A process that ends does not wait for them: what they work on is sent again.
    """
    watch = _Watch(engine)
    watch.start()
    started = [
        threading.Thread(
            target=_work,
            args=(engine, handler, rules, watch, False),
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
