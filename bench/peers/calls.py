"""Follows msgs through a Pena server: where the time goes between their POST and their delivery.

calls.py --build FOLDER [--rate 2000] [--workers 16] [--batchsize 10] [--seconds 3]

A library that notes the server's calls (calls.c) is loaded in front of it. Of the commits
that one POST /task began, prints the medians of what came after each other.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import servers

SOURCE = Path(__file__).resolve().parent / "calls.c"


class Call(NamedTuple):
    """One call of the server's: what for, and when, in µs."""

    kind: str
    begin: float
    took: float


def followed(calls: list[Call]) -> list[list[float]]:
    """Return, for each commit that a lone POST /task began, what its parts took."""
    paths = []
    tasks: list[Call] = []
    alone = frame = logged = None
    for call in calls:
        if call.kind == "task":
            tasks.append(call)
        elif call.kind == "frame":
            frame = call
        elif call.kind == "logged" and frame:
            logged = call
            # Who came while the frame was written or synced waits for the next one.
            waiting = [task for task in tasks if task.begin < frame.begin]
            alone = waiting[0] if len(waiting) == 1 else None
        elif call.kind == "batch":
            if alone and frame and logged:
                at = [alone.begin, frame.begin, logged.begin, logged.begin + logged.took]
                at += [call.begin, call.begin + call.took]
                paths.append([after - before for before, after in pairwise(at)])
            tasks = [task for task in tasks if frame and task.begin > frame.begin]
            alone = frame = logged = None
    return paths


def main() -> None:
    """Run a server under the load, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True, help="with cli/pena")
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--batchsize", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=3)
    asked = parser.parse_args()
    command = asked.build.resolve() / "cli/pena"
    with tempfile.TemporaryDirectory(dir=".", prefix="run-") as name:
        folder = Path(name).resolve()
        library, log = folder / "calls.so", folder / "calls.log"
        compile_it = ["cc", "-O2", "-shared", "-fPIC", SOURCE, "-o", library, "-ldl"]
        subprocess.run(compile_it, check=True)

        def start(place: servers.Place) -> list[str]:
            place.env |= {"LD_PRELOAD": str(library), "CALLS_LOG": str(log)}
            return servers.pena("--no-generate")(place)

        with servers.running(start, folder / "data", command) as (port, _):
            shape = (f"--workers={asked.workers}", f"--batchsize={asked.batchsize}")
            paced = (f"--rate={asked.rate}", f"--duration={asked.seconds}s")
            load = [command, "bench", f"--url=http://127.0.0.1:{port}", "--work=submitted"]
            on_its_core = ["taskset", "-c", servers.cores().load, *load, *shape, *paced]
            subprocess.run(on_its_core, check=True, stdout=subprocess.DEVNULL)
        lines = (line.split() for line in log.read_text().splitlines())
        calls = [Call(kind, float(begin), float(took)) for kind, begin, took in lines]
    paths = followed(sorted(calls, key=lambda call: call.begin))
    names = (
        "the POST is read; parsed, stepped, made the log's bytes",
        "they are written to the page cache",
        "`fdatasync` of the log",
        "the I/O thread is woken",
        "`send` of the batch",
    )
    sys.stdout.write(f"| {len(paths):,} commits; what | µs (median) |\n|---|---|\n")
    for what, times in zip(names, zip(*paths, strict=True), strict=True):
        sys.stdout.write(f"| {what} | {statistics.median(times):.0f} |\n")
    sys.stdout.write(f"| all | {statistics.median(map(sum, paths)):.0f} |\n")


if __name__ == "__main__":
    main()
