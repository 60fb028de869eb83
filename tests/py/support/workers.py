"""Workers of processes of their own, a server for them, and what became of their msgs."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pena
from support.process import quiet_environment
from support.site import PATIENT

HERE = Path(__file__).parent.parent
PATIENCE = 60.0  # seconds for a worker's end
APART = 1.0  # seconds: signals that a worker meets within 0.3 s are one, and it may meet one late


class Workers:
    """`python -m pena.worker` with several processes."""

    def __init__(self, url: str, handler: str, *options: str) -> None:
        """Of a handler of support/handlers.py."""
        command = [sys.executable, "-m", "pena.worker", f"support.handlers:{handler}"]
        self.process = subprocess.Popen(
            [*command, "--url", url, "--queue", "images", *options],
            cwd=HERE,
            env=quiet_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def processes(self) -> list[int]:
        """Those that work."""
        return processes_of(self.process.pid)

    def kill_one(self, chance: random.Random) -> bool:
        """With SIGKILL; whether there was one."""
        there = self.processes()
        if there:
            os.kill(chance.choice(there), signal.SIGKILL)
        return bool(there)

    def hear(self, line: str) -> None:
        """Wait for that as the next line that its handlers print."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == f"{line}\n"

    def hear_log(self, text: str) -> None:
        """Wait for a line of its log that has that."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if text in line:
                return
        raise AssertionError(f"it has ended, and did not say {text}")

    def end(self, by: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Stop it. Its exit code and what it said."""
        self.process.send_signal(by)
        return self.ended()

    def end_at_once(self) -> tuple[int, str]:
        """Stop it twice; likewise."""
        self.process.send_signal(signal.SIGINT)
        time.sleep(APART)
        return self.end()

    def ended(self) -> tuple[int, str]:
        """Wait for its own end; likewise."""
        try:
            _, said = self.process.communicate(timeout=PATIENCE)
        finally:
            self.process.kill()  # where it did not end
        return self.process.returncode, said


def processes_of(parent: int) -> list[int]:
    """Of a worker in that process; the others that Python starts watch over its semaphores."""
    found = []
    for thread in Path(f"/proc/{parent}/task").iterdir():
        for child in (thread / "children").read_text().split():
            with suppress(OSError):  # it is gone
                if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(int(child))
    return found


@contextmanager
def serving(folder: Path, **settings: Any) -> Iterator[tuple[pena.Server, pena.Queue]]:
    """Give a server whose generator rests, and its queue `images`."""
    times = {"retry_first": 0.02, **PATIENT, **settings}
    with (
        pena.Server(store=folder / "pena.lmdb", generate=False, **times) as server,
        pena.Queue(server.url, "images") as queue,
    ):
        yield server, queue


def outcomes(queue: pena.Queue, ids: list[str]) -> set[str]:
    """Of the misses of all of them."""
    said: set[str] = set()
    for id in ids:
        story = queue.get(id=id)
        assert story is not None
        said |= {delivery.outcome.value for delivery in story.deliveries}
    return said
