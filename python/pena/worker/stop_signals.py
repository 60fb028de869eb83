"""The signals that stop a worker."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

_STOPS = (signal.SIGTERM, signal.SIGINT)
# A wrapper (timeout, a container's init) hands on what the terminal or a service manager has sent
# already: what comes so soon behind the first, in seconds, is the first once more.
_APART = 0.3


class _Stops:
    def __init__(self, stop: Callable[[], None], before: dict[signal.Signals, Any]) -> None:
        self._stop = stop
        self._before = before
        self._first: float | None = None

    def install(self) -> None:
        for one in self._before:
            signal.signal(one, self._come)

    def uninstall(self) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler)

    def _come(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = now
        elif now < self._first + _APART:
            return
        self._stop()


_installed: list[_Stops] = []
_of_thread = threading.local()  # the mask that its fork found


# What a handler forks has no worker, and ends by a signal as it would without one. Python forgets
# what comes to a child before it has begun, so that has to wait.
def _hold_signals() -> None:
    _of_thread.mask = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS if _installed else ())


def _let_signals_come() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _of_thread.mask)


def _uninstall_all() -> None:
    while _installed:
        _installed.pop().uninstall()
    _let_signals_come()


os.register_at_fork(
    before=_hold_signals, after_in_parent=_let_signals_come, after_in_child=_uninstall_all
)


@contextlib.contextmanager
def stop_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` for each SIGTERM and SIGINT, in the main thread; elsewhere do nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.getsignal(one) for one in _STOPS}
    if before[signal.SIGINT] is signal.SIG_IGN:  # a shell's, for what works in its background
        del before[signal.SIGINT]
    # What C has set, Python cannot set again.
    stops = _Stops(stop, {one: there for one, there in before.items() if there is not None})
    stops.install()
    _installed.append(stops)
    try:
        yield
    finally:
        if stops in _installed:  # and this is no fork
            _installed.remove(stops)
            stops.uninstall()
