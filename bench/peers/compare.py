"""Puts Pena and its peers under the same load, one after the other, and keeps what was measured.

    compare.py --build FOLDER [--out FOLDER] [--repeat 3] [--only NAME …] [--seconds 3]

Every server runs on one core, every load on another. Writes results.json, and from it table.md and
the plots.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import report
import servers
from machine import machine
from servers import Start

PACKAGES = ("redis-server", "beanstalkd", "rabbitmq-server", "postgresql", "nats-server")
SHAPES = ((1, 1), (16, 1), (128, 1), (16, 10), (128, 10), (16, 100), (16, 1000))
OPEN_LOOP = (16, 10, 2000)  # workers, batchsize, messages a second


@dataclass(frozen=True)
class Subject:
    """A server with its settings, and the load that fits it."""

    name: str
    durable: bool  # every message is on disk before it is acknowledged
    load: tuple[str, ...]  # the program, and its options
    start: Start
    closed: bool = True
    open: bool = True


SUBJECTS = (
    Subject("Pena, generated", True, ("pena", "bench"), servers.pena(), open=False),
    Subject(
        "Pena, submitted",
        True,
        ("pena", "bench", "--work=submitted"),
        servers.pena("--no-generate"),
    ),
    Subject("Redis Streams, always", True, ("peer_redis",), servers.redis("always")),
    Subject("beanstalkd -f0", True, ("peer_beanstalkd",), servers.beanstalkd(0)),
    Subject("RabbitMQ quorum queue", True, ("peer_rabbitmq",), servers.rabbitmq),
    Subject("PostgreSQL SKIP LOCKED", True, ("peer_postgres",), servers.postgres, open=False),
    Subject("Redis Streams, everysec", False, ("peer_redis",), servers.redis("everysec")),
    Subject("beanstalkd -f50", False, ("peer_beanstalkd",), servers.beanstalkd(50)),
    Subject("NATS JetStream", False, ("peer_nats",), servers.nats),
)


def load(
    subject: Subject, build: Path, port: int, workers: int, batch: int, *more: str
) -> dict[str, Any]:
    """Run one load to its end; return what it printed."""
    program, *options = subject.load
    if program == "pena":
        where = [str(build / "cli/pena"), *options, f"--url=http://127.0.0.1:{port}", "--json"]
    else:
        where = [str(build / "bench/peers" / program), *options, f"--port={port}"]
    shape = (f"--workers={workers}", f"--batchsize={batch}")
    command = ["taskset", "-c", servers.cores().load, *where, *shape, *more]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if ran.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {ran.stderr}")
    result: dict[str, Any] = json.loads(ran.stdout)
    return result


def measure(subject: Subject, build: Path, folder: Path, seconds: float) -> list[dict[str, Any]]:
    """Put one server through every shape of load, in a fresh folder each."""
    results = []
    spans = (f"--duration={int(seconds * 1000)}ms", "--warmup=1000ms")
    shapes = [(workers, batch, 0) for workers, batch in SHAPES if subject.closed]
    shapes += [OPEN_LOOP] if subject.open else []
    for workers, batch, rate in shapes:
        paced = (f"--rate={rate}",) if rate else ()
        with servers.running(subject.start, folder / "data", build / "cli/pena") as (port, _):
            result = load(subject, build, port, workers, batch, *spans, *paced)
        result["subject"] = subject.name
        results.append(result)
        told = f"{result['msgs_per_s']:>12,.0f} msgs/s"
        if rate:
            told = f"{result['waits']['p50_ms']:.2f} ms, p99 {result['waits']['p99_ms']:.2f} ms"
        line = f"{subject.name:<26} W{workers:<4} B{batch:<5} {told}"
        sys.stderr.write(f"{line}  (load {result['load_share']:.0%} of its core)\n")
    return results


def main() -> None:
    """Measure, then write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True, help="with cli/pena and bench/peers")
    parser.add_argument("--out", type=Path, default=Path("build/bench/results"))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--only", nargs="*", help="parts of the subjects' names")
    asked = parser.parse_args()
    subjects = [
        subject
        for subject in SUBJECTS
        if not asked.only or any(part in subject.name for part in asked.only)
    ]
    build = asked.build.resolve()
    asked.out.mkdir(parents=True, exist_ok=True)
    os.chdir(asked.out)  # the disk that is meant
    results: list[dict[str, Any]] = []
    # One after the other, and then again: what disturbs the machine for a minute disturbs all.
    with tempfile.TemporaryDirectory(dir=".", prefix="run-") as folder:
        Path(folder).chmod(0o755)
        for turn in range(asked.repeat):
            sys.stderr.write(f"turn {turn + 1} of {asked.repeat}\n")
            for subject in subjects:
                results += measure(subject, build, Path(folder).resolve(), asked.seconds)
    found = {
        "machine": machine(build, PACKAGES),
        "repeat": asked.repeat,
        "seconds": asked.seconds,
        "durable": [subject.name for subject in subjects if subject.durable],
        "results": results,
    }
    Path("results.json").write_text(json.dumps(found, indent=1) + "\n")
    report.write(found, Path())


if __name__ == "__main__":
    main()
