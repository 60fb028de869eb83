"""What is put beside each other: each library with its server and the commands of its workers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import servers

HERE = Path(__file__).resolve().parent
_BIN = Path(sys.executable).parent


class Shape(NamedTuple):
    """How many msgs are worked on at once, and by what."""

    name: str
    processes: int
    threads: int = 1  # of each process
    tasks: int = 0  # of each process; 0: the handler is no `async def`


SHAPES = (
    Shape("1 process", 1),
    Shape("4 processes", 4),
    Shape("8 threads", 1, threads=8),
    Shape("100 coroutines", 1, tasks=100),
)

Command = list[str]


@dataclass(frozen=True)
class Library:
    """How the workers of a library are started."""

    module: str  # of `with_*.py`
    commands: Callable[[Shape, int], list[Command]]  # of a shape, at a port; none: it has no such
    bulk: bool = False  # whether it submits many together
    share: float = 1.0  # of the msgs; a slow one is measured with fewer, for about as long


@dataclass(frozen=True)
class Subject:
    """A library with its server, and what of it is on the disk when."""

    name: str
    library: Library
    start: servers.Start
    durable: str


def _pena(shape: Shape, port: int) -> list[Command]:
    handler = "with_pena:empty_async" if shape.tasks else "with_pena:empty"
    at_once = ("--tasks", shape.tasks) if shape.tasks else ("--threads", shape.threads)
    options = ("--url", f"http://127.0.0.1:{port}", "--processes", shape.processes, *at_once)
    return [_words(sys.executable, "-m", "pena.worker", handler, "--quiet", *options)]


def _rq(kind: str) -> Callable[[Shape, int], list[Command]]:
    def commands(shape: Shape, port: int) -> list[Command]:
        if shape.tasks or shape.threads > 1:
            return []
        options = ("--quiet", "--path", HERE, "--url", f"redis://127.0.0.1:{port}", "-w", kind)
        return [_words(_BIN / "rq", "worker", *options, "default")] * shape.processes

    return commands


def _dramatiq(shape: Shape, port: int) -> list[Command]:
    threads = shape.tasks or shape.threads  # each waits for one coroutine
    at_once = ("--processes", shape.processes, "--threads", threads)
    return [_words(_BIN / "dramatiq", "with_dramatiq", "--skip-logging", *at_once)]


def _taskiq(shape: Shape, port: int) -> list[Command]:
    at_once = ("--max-async-tasks", shape.tasks or shape.threads)
    several = ("--max-threadpool-threads", shape.threads, "--workers", shape.processes)
    options = ("--log-level=ERROR", *at_once, *several)
    return [_words(_BIN / "taskiq", "worker", "with_taskiq:broker", *options)]


def _procrastinate(shape: Shape, port: int) -> list[Command]:
    options = ("--app=with_procrastinate.app", "--log-level=error", "worker")
    at_once = ("--concurrency", shape.tasks or shape.threads)
    return [_words(_BIN / "procrastinate", *options, *at_once)] * shape.processes


def _celery(shape: Shape, port: int) -> list[Command]:
    if shape.tasks:
        return []
    pool = "threads" if shape.threads > 1 else "prefork"
    at_once = ("--concurrency", shape.threads * shape.processes)
    options = ("--loglevel=ERROR", f"--pool={pool}", *at_once)
    return [_words(_BIN / "celery", "--app=with_celery", "worker", *options)]


def _words(*words: object) -> Command:
    return [str(word) for word in words]


_PENA = Library("with_pena", _pena, bulk=True)
_ON_REDIS = {
    "RQ": Library("with_rq", _rq("rq.Worker"), bulk=True, share=0.03),
    "RQ, SimpleWorker": Library("with_rq", _rq("rq.SimpleWorker"), bulk=True, share=0.1),
    "Dramatiq": Library("with_dramatiq", _dramatiq, share=0.5),
    "Taskiq": Library("with_taskiq", _taskiq, share=0.5),
    "Celery": Library("with_celery", _celery, share=0.25),
}
_PROCRASTINATE = Library("with_procrastinate", _procrastinate, bulk=True, share=0.25)

_SYNCED = "always"
_EACH_SECOND = "each second: what came since is lost"

SUBJECTS = (
    Subject("Pena", _PENA, servers.pena("--no-generate"), _SYNCED),
    *(
        Subject(f"{name}, appendfsync always", library, servers.redis("always"), _SYNCED)
        for name, library in _ON_REDIS.items()
    ),
    Subject("procrastinate, PostgreSQL", _PROCRASTINATE, servers.postgres, _SYNCED),
    *(
        Subject(f"{name}, everysec", library, servers.redis("everysec"), _EACH_SECOND)
        for name, library in _ON_REDIS.items()
    ),
)
