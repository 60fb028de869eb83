"""Compares builds of Pena under one load, in turns: what disturbs the machine disturbs them all.

turns.py --repeat 7 --build BEFORE --build AFTER [--server=OPTION …] -- OPTIONS OF pena bench

Prints the medians of each build, and what the last was to the first: the median over the turns.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import servers
from limits import cpu_of


class Turn(NamedTuple):
    """What one build did in one turn."""

    rate: float  # msgs/s
    p50_ms: float  # from due to delivered where there is a rate, else of the answers
    cpu_us: float  # of the server, a msg


def measure(build: Path, folder: Path, server: list[str], load: list[str]) -> Turn:
    """Run one build, in a fresh store."""
    command = build / "cli/pena"
    with servers.running(servers.pena(*server), folder / "data", command) as (port, pid):
        words = [command, "bench", f"--url=http://127.0.0.1:{port}", "--json", "--warmup=0ms"]
        on_its_core = ["taskset", "-c", servers.cores().load, *words, *load]
        result = json.loads(subprocess.check_output(on_its_core, stderr=subprocess.DEVNULL))
        waits = result["waits"] or result["answers"]
        cpu_us = cpu_of(pid) / result["msgs"] * 1e6
    return Turn(result["msgs_per_s"], waits["p50_ms"], cpu_us)


def main() -> None:
    """Measure in turns, then print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, action="append", required=True, help="with cli/pena")
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--server", action="append", default=[], help="an option of the server's")
    parser.add_argument("load", nargs="*", help="options of pena bench")
    asked = parser.parse_args()
    builds = [build.resolve() for build in asked.build]
    turns: dict[Path, list[Turn]] = {build: [] for build in builds}
    with tempfile.TemporaryDirectory(dir=".", prefix="run-") as folder:
        for _ in range(asked.repeat):
            for build, kept in turns.items():
                kept.append(measure(build, Path(folder).resolve(), asked.server, asked.load))
    for build, kept in turns.items():
        rate, p50, cpu = (statistics.median(column) for column in zip(*kept, strict=True))
        told = f"{rate:,.0f} msgs/s, p50 {p50:.3f} ms, {cpu:.2f} µs of CPU a msg"
        sys.stdout.write(f"{os.path.relpath(build)}: {told}\n")
    pairs = list(zip(turns[builds[0]], turns[builds[-1]], strict=True))
    rates = statistics.median(last.rate / first.rate for first, last in pairs)
    waits = statistics.median(last.p50_ms / first.p50_ms for first, last in pairs)
    sys.stdout.write(f"last to first, turn by turn: rate {rates:.3f}, p50 {waits:.3f}\n")


if __name__ == "__main__":
    main()
