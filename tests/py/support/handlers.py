"""Handlers that other processes import, and what they know each other by."""

from __future__ import annotations

import asyncio
import ctypes
import os
import time

import pena

_holding = ctypes.PyDLL(None)  # calls of it keep Python's lock


def double(msg: pena.Msg) -> object:
    """Answer with twice the number, and the process that did it."""
    return {"twice": 2 * msg.payload["n"], "process": os.getpid()}


def slow_double(msg: pena.Msg) -> object:
    """Likewise, in ten milliseconds."""
    time.sleep(0.01)
    return double(msg)


async def slow_double_in_a_task(msg: pena.Msg) -> object:
    """Likewise, in a loop."""
    await asyncio.sleep(0.01)
    return double(msg)


def dies(msg: pena.Msg) -> object:
    """End the process at the first attempt."""
    if msg.attempt == 1:
        os._exit(3)
    return double(msg)


def waits_for_the_system(msg: pena.Msg) -> None:
    """Say that it has begun, and wait for what does not come."""
    print("begun", msg.attempt, flush=True)
    os.read(os.pipe()[0], 1)


def hold_the_lock(seconds: float) -> None:
    """Keep Python's lock all the while: no other thread of Python runs."""
    _holding.usleep(int(seconds * 1e6))
