"""Puts `pena.Worker` and `pena.Queue` beside other libraries, in turns, and keeps the figures.

    side_by_side.py --build FOLDER [--out FOLDER] [--repeat 3] [--msgs 10000] [--only NAME …]

Runs in a Python that has all of them; `make bench-workers` makes one. Every server runs on one
core; its workers and its producer on the others. Writes workers.json, and from it workers.md, after
each turn.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import runs
import table
from machine import machine
from subjects import SHAPES, SUBJECTS, Subject

_LIBRARIES = ("rq", "dramatiq", "taskiq", "taskiq-redis", "procrastinate", "celery")
_SERVERS = ("redis-server", "postgresql")
_FEWEST_MSGS = 20


def measure(place: runs.Place, subject: Subject, most_msgs: int) -> Iterator[runs.Result]:
    """Put one subject through everything, with a fresh server each time."""
    msgs = max(int(most_msgs * subject.library.share), _FEWEST_MSGS)
    for shape in SHAPES:
        if subject.library.commands(shape, 0):
            yield runs.throughput(place, subject, shape, msgs)
    yield runs.submitting(place, subject, "one_by_one", msgs)
    if subject.library.bulk:
        yield runs.submitting(place, subject, "in_bulk", msgs)
    yield runs.waits(place, subject)


def tell(result: runs.Result) -> None:
    """Say what was measured."""
    rate, p50 = result.get("msgs_per_s"), result.get("p50_ms")
    told = f"{rate:>10,.0f} msgs/s" if rate else f"{p50:>10.2f} ms"
    sys.stderr.write(f"{result['subject']:<36} {result['what']:<16} {told}\n")


def main() -> None:
    """Measure, then write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True, help="with cli/pena")
    parser.add_argument("--out", type=Path, default=Path("docs/performance"))
    parser.add_argument("--repeat", type=int, default=3, help="turns")
    parser.add_argument("--msgs", type=int, default=10_000, help="of a run; slow ones have fewer")
    parser.add_argument("--only", nargs="*", help="parts of the subjects' names")
    asked = parser.parse_args()
    chosen = [
        subject
        for subject in SUBJECTS
        if not asked.only or any(part in subject.name for part in asked.only)
    ]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # servers and workers end first
    build, out = asked.build.resolve(), asked.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    os.chdir(build)  # the disk that is meant
    about = machine(build, _SERVERS)
    about["versions"] |= {name: metadata.version(name) for name in _LIBRARIES}
    results: list[runs.Result] = []
    with tempfile.TemporaryDirectory(dir=".", prefix="run-") as folder:
        place = runs.Place(Path(folder).resolve(), build)
        place.folder.chmod(0o755)  # PostgreSQL runs as another user
        for turn in range(asked.repeat):
            sys.stderr.write(f"turn {turn + 1} of {asked.repeat}\n")
            # Each is the first in turn: what disturbs the machine for a minute disturbs all.
            for subject in chosen if turn % 2 == 0 else chosen[::-1]:
                for result in measure(place, subject, asked.msgs):
                    tell(result)
                    results.append({"turn": turn, **result})
            found = {
                "machine": about,
                "repeat": turn + 1,
                "msgs": asked.msgs,
                "durable": {subject.name: subject.durable for subject in chosen},
                "results": results,
            }
            (out / "workers.json").write_text(json.dumps(found, indent=1) + "\n")
            (out / "workers.md").write_text(table.text_of(found))
    sys.stdout.write((out / "workers.md").read_text())


if __name__ == "__main__":
    main()
