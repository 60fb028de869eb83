"""Compares builds of Pena under one load, in turns: what disturbs the machine disturbs them all.

turns.py --repeat 7 --build BEFORE --build AFTER [--at-once] [--server=OPTION …]
    -- OPTIONS OF pena bench

Prints the medians of each build, and what the last was to the first: the median over the turns.
With --at-once all share the core and the time of a turn. Then a machine that is slow for a second
is slow for all of them: of two equal builds the CPU a msg differs by less than 1 %, and in turns by
10 % on a shared machine. Rates and waits are those of servers that get in each other's way.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import servers
from limits import cpu_of


class Turn(NamedTuple):
    """What one build did in one turn."""

    rate: float  # msgs/s
    p50_ms: float  # from due to delivered where there is a rate, else of the answers
    cpu_us: float  # of the server, a msg


def measure(builds: list[Path], folder: Path, server: list[str], load: list[str]) -> list[Turn]:
    """Run the builds at once, each in a fresh store."""
    with contextlib.ExitStack() as stack:
        loads, pids = [], []
        for number, build in enumerate(builds):
            start = servers.running(
                servers.pena(*server), folder / f"data{number}", build / "cli/pena"
            )
            port, pid = stack.enter_context(start)
            url = f"--url=http://127.0.0.1:{port}"
            words = [str(builds[0] / "cli/pena"), "bench", url, "--json", "--warmup=0ms", *load]
            loads.append(["taskset", "-c", servers.cores().load, *words])
            pids.append(pid)
        running = [
            subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            for words in loads
        ]
        results = [json.loads(process.communicate()[0]) for process in running]
        return [turn_of(result, pid) for result, pid in zip(results, pids, strict=True)]


def turn_of(result: dict[str, Any], pid: int) -> Turn:
    """Put together what the load measured and what the server took."""
    waits = result["waits"] or result["answers"]
    return Turn(result["msgs_per_s"], waits["p50_ms"], cpu_of(pid) / result["msgs"] * 1e6)


def main() -> None:
    """Measure in turns, then print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, action="append", required=True, help="with cli/pena")
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--at-once", action="store_true", help="on one core, and at the same time")
    parser.add_argument("--server", action="append", default=[], help="an option of the server's")
    parser.add_argument("load", nargs="*", help="options of pena bench")
    asked = parser.parse_args()
    builds = [build.resolve() for build in asked.build]
    turns: dict[Path, list[Turn]] = {build: [] for build in builds}
    with tempfile.TemporaryDirectory(dir=".", prefix="run-") as folder:
        for turn in range(asked.repeat):
            # Each is the first in turn.
            order = builds if turn % 2 == 0 else builds[::-1]
            groups = [order] if asked.at_once else [[build] for build in order]
            for group in groups:
                done = measure(group, Path(folder).resolve(), asked.server, asked.load)
                for build, one in zip(group, done, strict=True):
                    turns[build].append(one)
    for build, kept in turns.items():
        rate, p50, cpu = (statistics.median(column) for column in zip(*kept, strict=True))
        told = f"{rate:,.0f} msgs/s, p50 {p50:.3f} ms, {cpu:.2f} µs of CPU a msg"
        sys.stdout.write(f"{os.path.relpath(build)}: {told}\n")
    pairs = list(zip(turns[builds[0]], turns[builds[-1]], strict=True))
    rates = statistics.median(last.rate / first.rate for first, last in pairs)
    waits = statistics.median(last.p50_ms / first.p50_ms for first, last in pairs)
    cpu = statistics.median(last.cpu_us / first.cpu_us for first, last in pairs)
    told = f"rate {rates:.3f}, p50 {waits:.3f}, CPU a msg {cpu:.3f}"
    sys.stdout.write(f"last to first, turn by turn: {told}\n")


if __name__ == "__main__":
    main()
