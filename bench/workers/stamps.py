"""What the handlers of all libraries note: when the first msg began, and how long each took."""

from __future__ import annotations

import os
import time
from pathlib import Path

PORT = int(os.environ["PENA_BENCH_PORT"])  # of the server
COROUTINES = os.environ.get("PENA_BENCH_COROUTINES") == "1"  # the handler is to be an `async def`
_FOLDER = Path(os.environ["PENA_BENCH_FOLDER"])
BEGUN = _FOLDER / "begun"  # when the first msg began, by the clock that all processes share, in ns
TOOK = _FOLDER / "took"  # a line a msg, from before its submission until it began, in ns


class _Process:
    has_begun = False  # so that all but the first msg of a process cost nothing


def begun(submitted_at: int) -> None:
    """Note that a msg begins; `submitted_at` (ns) is 0 where nobody asks how long it took."""
    now = time.monotonic_ns()
    if not _Process.has_begun:
        _Process.has_begun = True
        _append(BEGUN, now)
    if submitted_at:
        _append(TOOK, now - submitted_at)


def _append(path: Path, number: int) -> None:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, b"%d\n" % number)
    os.close(file)
