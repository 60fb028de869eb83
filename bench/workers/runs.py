"""One run: a fresh server on its core, and workers and a producer on the others."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import servers
import subjects
from subjects import SHAPES, Shape, Subject

_WITHIN_S = 600  # a run that takes longer has failed
_LOOK_S = 5  # so often it is looked at whether the workers live
_WAITS = 100  # so many msgs of which each waits

Result = dict[str, Any]


@dataclass
class Place:
    """Where runs are: their folder, and the command `pena`."""

    folder: Path
    build: Path

    @property
    def notes(self) -> Path:
        """The folder of what handlers note."""
        return self.folder / "notes"


def _cores() -> str:
    """Return the cores that are left of the server's."""
    ours = sorted(os.sched_getaffinity(0))
    return ",".join(str(core) for core in ours if str(core) != servers.cores().server)


class Run:
    """A subject whose server runs."""

    def __init__(self, place: Place, subject: Subject, port: int, coroutines: bool) -> None:
        """Forget what the run before has noted."""
        shutil.rmtree(place.notes, ignore_errors=True)
        place.notes.mkdir()
        self._place = place
        self._subject = subject
        self._port = port
        self._log_file = place.folder / "workers.log"
        self._workers: list[subprocess.Popen[bytes]] = []
        self._env = os.environ | {
            "PENA_BENCH_PORT": str(port),
            "PENA_BENCH_FOLDER": str(place.notes),
            "PENA_BENCH_COROUTINES": str(int(coroutines)),
            "PYTHONPATH": os.pathsep.join(
                filter(None, [str(subjects.HERE), os.environ.get("PYTHONPATH", "")])
            ),
        }

    def produce(self, action: str, msgs: int = 0) -> float:
        """Have the producer do something, and return the number that it says."""
        module = self._subject.library.module
        words = [sys.executable, str(subjects.HERE / "producer.py"), module, action, str(msgs)]
        producer = subprocess.Popen(
            ["taskset", "-c", _cores(), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._env,
        )
        until = time.monotonic() + _WITHIN_S
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    out, errors = producer.communicate(timeout=_LOOK_S)
                    break
                if time.monotonic() > until:
                    raise RuntimeError(f"{self._subject.name}, {action}: {self._log()}")
                self._check_workers()
        finally:
            producer.kill()
            producer.wait()
        if producer.returncode != 0:
            raise RuntimeError(f"{self._subject.name}, {action}: {errors}")
        return float(out)

    @contextlib.contextmanager
    def workers(self, shape: Shape) -> Iterator[None]:
        """Run the workers."""
        with self._log_file.open("wb") as out:
            self._workers = [
                subprocess.Popen(
                    ["taskset", "-c", _cores(), *command],
                    stdout=out,
                    stderr=out,
                    env=self._env,
                    cwd=subjects.HERE,
                    start_new_session=True,
                )
                for command in self._subject.library.commands(shape, self._port)
            ]
        try:
            yield
        finally:
            for worker in self._workers:
                _end(worker)

    def _check_workers(self) -> None:
        if ended := [worker.args for worker in self._workers if worker.poll() is not None]:
            raise RuntimeError(f"{ended} ended by itself: {self._log()}")

    def _log(self) -> str:
        return self._log_file.read_text()[-2000:] if self._workers else ""

    def noted(self, path: str) -> list[int]:
        """Return what the handlers noted."""
        return [int(line) for line in (self._place.notes / path).read_text().split()]


def _end(worker: subprocess.Popen[bytes]) -> None:
    # Nothing of it is needed any more: its server goes, too.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


@contextlib.contextmanager
def running(place: Place, subject: Subject, *, coroutines: bool = False) -> Iterator[Run]:
    """Run the server of a subject, with an empty store."""
    pena = place.build / "cli/pena"
    with servers.running(subject.start, place.folder / "data", pena) as (port, _):
        yield Run(place, subject, port, coroutines)


def throughput(place: Place, subject: Subject, shape: Shape, msgs: int) -> Result:
    """Submit msgs, start workers, and measure from the first begun to the last acknowledged."""
    with running(place, subject, coroutines=bool(shape.tasks)) as run:
        run.produce("in_bulk" if subject.library.bulk else "one_by_one", msgs)
        if (there := run.produce("count")) != msgs:
            raise RuntimeError(f"{subject.name}: {there:.0f} msgs wait; expected {msgs}")
        with run.workers(shape):
            acknowledged_at = run.produce("await")
        took_s = (acknowledged_at - min(run.noted("begun"))) / 1e9
    return _result(subject, shape.name, msgs_per_s=msgs / took_s, msgs=msgs)


def submitting(place: Place, subject: Subject, action: str, msgs: int) -> Result:
    """Measure how many msgs one process submits."""
    with running(place, subject) as run:
        rate = run.produce(action, msgs)
    return _result(subject, action, msgs_per_s=rate, msgs=msgs)


def waits(place: Place, subject: Subject) -> Result:
    """Measure how long a msg takes from before its submission until an idle worker begins it."""
    with running(place, subject) as run:
        run.produce("prepare")  # some workers do not start without it
        with run.workers(SHAPES[0]):
            run.produce("to_idle", _WAITS)
        took_ms = sorted(ns / 1e6 for ns in run.noted("took"))
    if len(took_ms) != _WAITS:
        raise RuntimeError(f"{subject.name}: {len(took_ms)} msgs began; expected {_WAITS}")
    cuts = statistics.quantiles(took_ms, n=100, method="inclusive")
    return _result(subject, "waits", p50_ms=cuts[49], p99_ms=cuts[98], msgs=_WAITS)


def _result(subject: Subject, what: str, **numbers: float) -> Result:
    return {"subject": subject.name, "what": what, **numbers}
