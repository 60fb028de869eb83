"""The producer of one library, in a process of its own: `producer.py MODULE ACTION MSGS`.

MODULE is one of `with_*.py`. Prints one number: msgs a second for `one_by_one` and `in_bulk`, msgs
for `count`, ns of the clock that all processes share for `await`, 0 for the others.
"""

from __future__ import annotations

import importlib
import sys
import time
from types import ModuleType

_POLL_S = 0.02  # a run takes seconds


def one_by_one(library: ModuleType, msgs: int) -> float:
    """Submit each msg by itself; return how many a second."""
    began = time.perf_counter()
    for _ in range(msgs):
        library.submit_one(0)
    return msgs / (time.perf_counter() - began)


def in_bulk(library: ModuleType, msgs: int) -> float:
    """Submit as many msgs as the library takes together; return how many a second."""
    began = time.perf_counter()
    library.submit_many(msgs)
    return msgs / (time.perf_counter() - began)


def to_idle(library: ModuleType, msgs: int) -> float:
    """Submit each msg when the one before is acknowledged."""
    library.submit_one(0)  # the workers are up when it is acknowledged
    await_all(library, 1)
    for _ in range(msgs):
        library.submit_one(time.monotonic_ns())
        await_all(library, 1)
    return 0


def await_all(library: ModuleType, msgs: int) -> float:
    """Wait until all msgs are acknowledged; return when that was."""
    while library.unacknowledged():
        time.sleep(_POLL_S)
    return time.monotonic_ns()


def prepare(library: ModuleType, msgs: int) -> float:
    """Do nothing more than what a library needs before anything else."""
    return 0


def count(library: ModuleType, msgs: int) -> float:
    """Return how many msgs are not acknowledged."""
    return library.unacknowledged()


ACTIONS = {
    "prepare": prepare,
    "count": count,
    "one_by_one": one_by_one,
    "in_bulk": in_bulk,
    "to_idle": to_idle,
    "await": await_all,
}


def main() -> None:
    """Do what is asked."""
    module, action, msgs = sys.argv[1:]
    library = importlib.import_module(module)
    if first := getattr(library, "prepare", None):
        first()
    sys.stdout.write(f"{ACTIONS[action](library, int(msgs))!r}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
