"""One store, and all that runs on it in a scenario."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pena
from support import law
from support.process import ServerProcess
from support.stream import TaskStream, post

T = TypeVar("T")

# Short, for streams that no machine's load can make late: they are read when the test gets there.
TIMES = {
    "heartbeat": 0.05,
    "silence": 0.15,
    "stop_time": 0.02,
    "slack": 0.02,
    "drop_grace": 0.25,
    "lease": 20.0,
}
# Where pena.Client, which minds the silence, must not take a busy machine for a lost stream.
PATIENT = {**TIMES, "heartbeat": 0.2, "silence": 10.0, "drop_grace": 11.0}
# The same where a grace is waited for.
LESS_PATIENT = {**PATIENT, "silence": 1.0, "drop_grace": 1.2}


class Site:
    """Starts servers and clients on one store. Ends them all, and then checks the law."""

    def __init__(self, folder: Path) -> None:
        self.store = folder / "pena.lmdb"
        self.submitted: set[str] = set()
        self.max_resends = 3
        self._running = ExitStack()

    def server(self, **settings: Any) -> pena.Server:
        """Start a server in this process."""
        self.max_resends = settings.get("max_resends", 3)
        server = pena.Server(store=self.store, **{**TIMES, "seed": 7, **settings})
        return self._running.enter_context(server)

    def process(
        self, *options: str, quick: bool = True, listen: str = "127.0.0.1:0", **more: Any
    ) -> ServerProcess:
        """Start `pena server` in a process of its own, with short times or with its own."""
        short = TIMES if quick else {}
        times = [f"--{name.replace('_', '-')}={int(time * 1000)}ms" for name, time in short.items()]
        given = [f"--listen={listen}", f"--store={self.store}", "--seed=7", *times, *options]
        return self.until_the_end(ServerProcess(*given, **more), ServerProcess.stop)

    def stream(self, url: str, batchsize: int, **more: Any) -> TaskStream:
        """Open a stream."""
        return self.until_the_end(TaskStream(url, batchsize, **more), TaskStream.close)

    def client(self, url: str, **settings: Any) -> pena.Client:
        """Start the brief's client in this process."""
        return self._running.enter_context(pena.Client(url, **{"seed": 7, **settings}))

    def submit(self, url: str, *periods: int) -> list[str]:
        """Hand in one msg a period; return their ids."""
        ids = post(url, "/task", [{"period": period} for period in periods], 201)["ids"]
        self.submitted.update(ids)
        return ids

    def end(self) -> None:
        """Stop what runs, youngest first, and check the law."""
        self._running.close()
        if self.store.exists():
            with pena.Store(self.store) as store:
                law.check(store, self.submitted, self.max_resends)

    def until_the_end(self, what: T, end: Callable[[T], object]) -> T:
        """Have `end` called of it, before what was started earlier ends."""
        self._running.callback(end, what)
        return what
