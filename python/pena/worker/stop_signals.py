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
    def __init__(self, stop: Callable[[], None], before: dict[int, Any]) -> None:
        self._stop = stop
        self._before = before
        self._process = os.getpid()
        self._first: float | None = None

    def come(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            # A handler has forked: its child has no worker, and ends as it would without one.
            signal.signal(number, self._before[number])
            os.kill(os.getpid(), number)
            return
        now = time.monotonic()
        if self._first is None:
            self._first = now
        elif now < self._first + _APART:
            return
        self._stop()


@contextlib.contextmanager
def stop_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` for each SIGTERM and SIGINT, in the main thread; elsewhere do nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, Any] = {one: signal.getsignal(one) for one in _STOPS}
    if before[signal.SIGINT] is signal.SIG_IGN:  # a shell's, for what works in its background
        del before[signal.SIGINT]
    before = {one: handler for one, handler in before.items() if handler is not None}  # none of C's
    stops = _Stops(stop, before)
    for one in before:
        signal.signal(one, stops.come)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
