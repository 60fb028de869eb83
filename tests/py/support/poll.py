"""Waiting for what is to happen, with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], what: str, timeout: float = 20.0) -> T:
    """Return what `condition` gives once that is true; fail, naming `what`, when time is up."""
    deadline = time.monotonic() + timeout
    while True:
        if result := condition():
            return result
        assert time.monotonic() < deadline, f"{timeout} s were over before {what}"
        time.sleep(0.005)
