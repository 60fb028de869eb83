"""One store on disk, the real `pena server` on it, and its port."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MAX_RESENDS = 3
# Short, so that a run sees every timeout many times.
TIMES = {
    "heartbeat": 100,
    "silence": 200,
    "stop-time": 20,
    "slack": 20,
    "drop-grace": 250,
    "lease": 800,
}
PATIENCE = 60.0  # a disk may hang
# Below Linux' ports for outgoing connections: a client that tries while the server is down could
# otherwise be connected to itself, and hold the port.
PORTS = range(20_000, 30_000)


def say(text: str) -> None:
    """Tell the progress."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def workspace(name: str, keep: Path | None) -> Iterator[Path]:
    """Give a new folder. It stays where it was asked for, and where the run failed (SystemExit)."""
    folder = keep or Path(tempfile.mkdtemp(prefix=f"pena-{name.replace(chr(32), chr(45))}-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    except SystemExit as end:
        if end.code:
            say(f"{name}: the store, the journals and the logs are in {folder}")
        elif keep is None:
            shutil.rmtree(folder)
        raise


def free_port(rng: random.Random) -> int:
    """Return a port that nobody listens on."""
    while True:
        port = rng.choice(PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Site:
    """Starts and stops the servers of one store, one at a time."""

    def __init__(self, pena: Path, folder: Path, port: int) -> None:
        self.pena = pena
        self.store = folder / "store"
        self.errors = folder / "server.log"
        self.port = port
        self.process: subprocess.Popen[str] | None = None
        self._said_before = 0  # bytes of stderr, by the servers before this one
        self.begun = 0  # starts
        self.listened = 0  # starts that came as far as to listen

    def launch(self, *options: str, env: dict[str, str] | None = None) -> None:
        """Start a server and do not wait for it."""
        times = [f"--{name}={ms}ms" for name, ms in TIMES.items()]
        quiet = {name: it for name, it in os.environ.items() if not name.startswith("PENA_")}
        self._said_before = self.errors.stat().st_size if self.errors.exists() else 0
        with self.errors.open("a") as errors:
            self.process = subprocess.Popen(
                [
                    str(self.pena),
                    "server",
                    f"--listen=127.0.0.1:{self.port}",
                    f"--store={self.store}",
                    f"--max-resends={MAX_RESENDS}",
                    "--seed=7",
                    "--log-level=warning",
                    *times,
                    *options,
                ],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**quiet, **(env or {})},
            )
        self.begun += 1

    def start(self, *options: str, env: dict[str, str] | None = None) -> None:
        """Start a server and wait until it listens."""
        self.launch(*options, env=env)
        if not self.wait_listening():
            code = self.stop(signal.SIGKILL)
            raise RuntimeError(f"the server did not start (exit code {code}): {self.last_words()}")

    def wait_listening(self) -> bool:
        """Wait for the first line. False where the server ended instead."""
        assert self.process is not None
        assert self.process.stdout is not None
        listens = self.process.stdout.readline().startswith("listening on ")
        self.listened += listens
        return listens

    def stop(self, by: signal.Signals) -> int:
        """Send a signal and return the exit code, negative where that signal ended it."""
        if self.process is not None:
            self.process.send_signal(by)
        return self.wait()

    def wait(self, timeout: float = PATIENCE) -> int:
        """Wait for the end of the server and return its exit code."""
        if self.process is None:
            return 0
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise RuntimeError(f"the server did not end within {timeout} s") from None
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return code

    def ended(self) -> bool:
        """Tell whether the server ended by itself."""
        return self.process is None or self.process.poll() is not None

    def last_words(self) -> str:
        """Return the end of what this server wrote to stderr."""
        text = self.errors.read_bytes()[self._said_before :] if self.errors.exists() else b""
        return text[-600:].decode(errors="replace").strip()

    @property
    def boots(self) -> range:
        """The boots that the store may have counted."""
        return range(max(self.listened, 1), self.begun + 1)
