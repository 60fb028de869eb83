"""Draws where the time of a Pena server goes under load, as a flame graph.

flame.py --build FOLDER [--out FILE] [--work generated] [--workers 16] [--batchsize 10]
         [--seconds 3]

Linux' perf takes the samples. The server runs on one core, the load on another.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import servers

SAMPLES_A_SECOND = 997


def main() -> None:
    """Run a server and its load, sample it, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True, help="with cli/pena")
    parser.add_argument("--out", type=Path, default=Path("build/bench/results/flame.svg"))
    parser.add_argument("--work", choices=("generated", "submitted"), default="generated")
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--batchsize", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=3.0)
    asked = parser.parse_args()
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    command = asked.build.resolve() / "cli/pena"
    start = servers.pena(*(["--no-generate"] if asked.work == "submitted" else []))
    shape = (f"--work={asked.work}", f"--workers={asked.workers}", f"--batchsize={asked.batchsize}")
    seconds = f"{asked.seconds:g}"
    with tempfile.TemporaryDirectory(dir=asked.out.parent.resolve(), prefix="run-") as folder:
        samples = Path(folder) / "perf.data"
        with servers.running(start, Path(folder) / "data", command) as (port, pid):
            load = [command, "bench", f"--url=http://127.0.0.1:{port}", *shape]
            spans = (f"--duration={int(asked.seconds * 1000)}ms", "--warmup=2s")
            on_its_core = ["taskset", "-c", servers.cores().load, *load, *spans]
            quiet = subprocess.Popen(on_its_core, stdout=subprocess.DEVNULL)
            time.sleep(1)
            record = ["perf", "record", "--quiet", f"--freq={SAMPLES_A_SECOND}", f"--pid={pid}"]
            stacks = ["--call-graph=dwarf,16384", f"--output={samples}", "sleep", seconds]
            subprocess.run(record + stacks, check=True)
            quiet.wait()
        draw = [Path(sys.executable).parent / "flamegraph", f"--perfdata={samples}", "--no-inline"]
        title = f"pena server: {asked.work}, {asked.workers} workers, batches of {asked.batchsize}"
        look = ["--deterministic", f"--title={title}", f"--output={asked.out.resolve()}"]
        subprocess.run(draw + look, check=True, cwd=folder)
    sys.stdout.write(f"{asked.out}\n")


if __name__ == "__main__":
    main()
