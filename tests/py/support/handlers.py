"""Handlers that other processes import, and what they know each other by."""

from __future__ import annotations

import asyncio
import ctypes
import itertools
import logging
import os
import signal
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


class HopelessError(Exception):
    """What no further attempt mends."""


class OSError(Exception):  # of the same name as one of Python's
    """Likewise."""


def raises_its_own(msg: pena.Msg) -> None:
    """Raise the one that the payload names."""
    raise {"HopelessError": HopelessError, "OSError": OSError}[msg.payload]("no")


def fails_slowly(msg: pena.Msg) -> object:
    """Fail after ten milliseconds."""
    time.sleep(0.01)
    raise ValueError("no width")


def dies(msg: pena.Msg) -> object:
    """End the process at the first attempt."""
    if msg.attempt == 1:
        os._exit(3)
    return double(msg)


def waits_for_the_system(msg: pena.Msg) -> None:
    """Say that it has begun, and wait for what does not come."""
    print("begun", msg.attempt, flush=True)
    os.read(os.pipe()[0], 1)


def works_for_a_second(msg: pena.Msg) -> None:
    """Say that it has begun, and take its time."""
    print("begun", msg.attempt, flush=True)
    time.sleep(1)


def has_a_command_work(msg: pena.Msg) -> None:
    """At the first attempt, for a while; print its process."""
    if msg.attempt == 1:
        os.system("echo $$; exec sleep 60")


def ends_forks(msg: pena.Msg) -> list[int]:
    """Answer with the exit codes of forks of this process that are told to end as they begin."""
    codes: set[int] = set()
    for _ in range(100):
        # Not by multiprocessing, whose threads collect each other's.
        fork = os.fork()
        if fork == 0:
            time.sleep(5)
            os._exit(0)
        os.kill(fork, signal.SIGTERM)
        codes.add(os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1]))
    return list(codes)


def logs(msg: pena.Msg) -> None:
    """Say what no other process can be told, beside what it can."""
    logging.getLogger("shop").info("made %s", msg.payload["n"], extra={"x": lambda: 1})


def logs_without_end(msg: pena.Msg) -> None:
    """More than anybody can read."""
    for number in itertools.count():
        logging.getLogger("shop").info("line %d", number)


def closes_all(msg: pena.Msg) -> None:
    """Close what is not its own, as those do who make a process of the system's of themselves."""
    print("begun", msg.attempt, flush=True)
    os.closerange(3, 256)


def hold_the_lock(seconds: float) -> None:
    """Keep Python's lock all the while: no other thread of Python runs."""
    _holding.usleep(int(seconds * 1e6))
