"""Starts the servers that are compared: each in a folder of its own, on loopback, on one core."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

POSTGRES = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/usr/lib/postgresql"))
RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
READY_WITHIN_S = 60


class Cores(NamedTuple):
    """Where the server runs, and where its load."""

    server: str
    load: str


@functools.cache
def cores() -> Cores:
    """Give the servers the core that the disk answers to; the other would wait a little longer.

    A disk's interrupts arrive at one core. Here the server pays for those that it causes, and no
    answer has to cross over from the load's.
    """
    ours = sorted(os.sched_getaffinity(0))
    if len(ours) < 2:
        raise RuntimeError("one core is allowed here; expected two, for a server and its load")
    first, second = ours[:2]
    server = min((first, second), key=sync_s)
    return Cores(str(server), str(second if server == first else first))


def sync_s(core: int) -> float:
    """Measure what a sync takes on one core, on the disk of the working directory, in seconds."""
    times = []
    with on_core(core), tempfile.TemporaryFile(dir=".") as file:
        for n in range(500):
            began = time.perf_counter()
            os.pwrite(file.fileno(), bytes(4096), n % 50 * 4096)
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times)


@contextlib.contextmanager
def on_core(core: int) -> Iterator[None]:
    """Run on one core for a while."""
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, ours)


@dataclass
class Place:
    """Where one server runs."""

    folder: Path
    port: int
    pena: Path  # the command
    env: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    user: str = ""  # to run as; empty: who calls
    ready: list[str] = field(default_factory=list)  # succeeds once the server does its work

    def owned_by(self, user: str) -> None:
        """Let a server that refuses to be root run as `user`, if we are."""
        if os.geteuid() == 0:
            self.user = user
            shutil.chown(self.folder, user)

    def command(self, *words: object) -> list[str]:
        """Return a command, with the user it has to run as."""
        asked = [str(word) for word in words]
        return ["runuser", "-u", self.user, "--", *asked] if self.user else asked


Start = Callable[[Place], list[str]]


def beanstalkd(sync_ms: int) -> Start:
    """Return how beanstalkd is started with its log synced every so often; 0: at every write."""

    def start(place: Place) -> list[str]:
        log = ("-b", place.folder, f"-f{sync_ms}")
        return ["beanstalkd", "-l", "127.0.0.1", "-p", str(place.port), *map(str, log)]

    return start


def redis(fsync: str) -> Start:
    """Return how Redis is started with an append-only file."""

    def start(place: Place) -> list[str]:
        files = ("--dir", str(place.folder), "--appendonly", "yes", "--appendfsync", fsync)
        listen = ("--port", str(place.port), "--bind", "127.0.0.1")
        return ["redis-server", *listen, *files, "--save", ""]

    return start


def postgres(place: Place) -> list[str]:
    """Initialise a cluster with the defaults; return how it is started."""
    place.owned_by("postgres")
    data = place.folder / "data"
    init = place.command(POSTGRES / "initdb", "-D", data, "-U", "postgres", "-A", "trust")
    subprocess.run(init, check=True, capture_output=True, cwd="/")
    place.ready = [str(POSTGRES / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(place.port)]
    settings = ("-c", f"unix_socket_directories={place.folder}", "-c", "max_connections=200")
    listen = ("-h", "127.0.0.1", "-p", place.port)
    return place.command(POSTGRES / "postgres", "-D", data, *listen, *settings)


def rabbitmq(place: Place) -> list[str]:
    """Return how a node of RabbitMQ's own is started."""
    place.owned_by("rabbitmq")
    place.env |= {
        "HOME": str(place.folder),
        "RABBITMQ_NODENAME": f"pena-bench-{place.port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(place.port),
        "RABBITMQ_DIST_PORT": str(place.port + 1),
        "RABBITMQ_MNESIA_BASE": str(place.folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(place.folder / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(place.folder / "plugins"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        # From 95 % of the disk on it would refuse everything.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-rabbit disk_free_limit 100000000",
    }
    return place.command(RABBITMQ)


def nats(place: Place) -> list[str]:
    """Return how a NATS server with JetStream is started."""
    listen = ("-a", "127.0.0.1", "-p", str(place.port))
    return ["nats-server", *listen, "-js", "-sd", str(place.folder)]


def pena(*options: str) -> Start:
    """Return how Pena is started."""

    def start(place: Place) -> list[str]:
        where = (f"--listen=127.0.0.1:{place.port}", f"--store={place.folder / 'pena.lmdb'}")
        return [str(place.pena), "server", *where, "--log-level=warning", *options]

    return start


def free_port() -> int:
    """Return a port that nobody listens on, nor on the one above it."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            with contextlib.suppress(OSError, OverflowError):
                second.bind(("127.0.0.1", port + 1))
                return port


def await_ready(place: Place, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server accepts connections."""
    until = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", place.port), 1):
            if not place.ready or subprocess.run(place.ready, check=False).returncode == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"the server did not come up: {log.read_text()[-2000:]}")


@contextlib.contextmanager
def running(start: Start, folder: Path, pena_command: Path) -> Iterator[tuple[int, int]]:
    """Run a server on its core, in a new folder that is gone afterwards. Yields port and pid."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    place = Place(folder, free_port(), pena_command)
    command = start(place)
    log = folder.parent / f"{folder.name}.log"
    pinned = ["taskset", "-c", cores().server, *command]
    with log.open("wb") as out:
        process = subprocess.Popen(
            pinned, stdout=out, stderr=out, env=place.env, cwd="/", start_new_session=True
        )
    try:
        await_ready(place, process, log)
        yield place.port, process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)
