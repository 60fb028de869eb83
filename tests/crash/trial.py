"""One store under load, whose servers are made to fail."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import checker
import records
import shim
from load import Load
from pena_server import MAX_RESENDS, Site, free_port

OPTIONS = ("--rate=400", "--map-size=64MiB")
STOPPED, NO_STORE = 1, 3  # exit codes
PATIENCE = 60.0  # a disk may hang


@dataclass(frozen=True)
class Fault:
    """One call that fails."""

    kind: str
    nth: int
    code: str
    times: int = 1

    def __str__(self) -> str:
        """As it is told."""
        times = f", {self.times} times" if self.times > 1 else ""
        return f"{self.kind} {self.nth} with {self.code}{times}"


def until(condition: Callable[[], bool], timeout: float = PATIENCE) -> bool:
    """Wait for a condition. False where it does not come true in time."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class Trial:
    """One store under load, with servers that are made to fail."""

    def __init__(self, pena: Path, library: Path, folder: Path, seed: int) -> None:
        folder.mkdir()
        self.library = library
        self.folder = folder
        self.site = Site(pena, folder, free_port(random.Random()))
        self.load = Load(
            self.site.port, folder / "journals", seed, workers=4, work_pause=0.002, forgiving=True
        )
        self.journals = checker.Journals(folder / "journals")
        self.fired = folder / "fired"

    def start(self, *options: str, **settings: object) -> bool:
        """Start a server. False where it ended instead of listening."""
        self.fired = self.folder / f"fired-{self.site.begun}"
        env = shim.environment(self.library, fired=self.fired, **settings)
        self.site.launch(*(options or OPTIONS), env=env if settings else None)
        return self.site.wait_listening()

    def check(self) -> checker.Stored:
        """Look at the store, which no server has open."""
        records.law(not self.load.failures, f"a client: {self.load.failures}")
        claims = self.journals.read()
        if not claims.accepted and not claims.sent:
            return checker.Stored({}, set(), {})
        stored = checker.read_store(self.site.store)
        checker.check(stored, claims, MAX_RESENDS)
        return stored

    def serves(self) -> bool:
        """Tell whether work goes on."""
        answered, received = self.load.answered, self.load.received

        def works() -> bool:
            return self.load.answered > answered + 5 and self.load.received > received + 5

        return until(lambda: works() or self.site.ended()) and not self.site.ended()

    def stop(self) -> None:
        """Stop the server as one should."""
        code = self.site.stop(signal.SIGTERM)
        records.law(code == 0, f"SIGTERM was answered with exit code {code}: {self.words()}")

    def expect_end(self, codes: tuple[int, ...], sentence: str) -> None:
        """Expect that the server ends by itself and says why."""
        ended = until(self.site.ended)
        records.law(ended, f"the server neither ends nor serves: {self.words()}")
        code = self.site.wait()
        records.law(code in codes, f"exit code {code}, expected one of {codes}: {self.words()}")
        lines = self.site.last_words().splitlines()
        said = [line for line in lines if line.startswith("pena: ")]
        records.law(any(sentence in line for line in said), f"no clear sentence: {self.words()}")

    def words(self) -> str:
        """What the server said last, in quotes."""
        return repr(self.site.last_words())

    def serves_again(self) -> None:
        """Start a server on what is left, and see that it works and has lost nothing."""
        records.law(self.start(), f"no server starts on what is left: {self.words()}")
        records.law(self.serves(), "the next server does not serve")
        self.stop()
        self.check()

    def ended_well(self, sentence: str, code: int = STOPPED) -> str:
        """Expect that the server ends, and that nothing is lost, however it did."""
        try:
            self.expect_end((code,), sentence)
        finally:
            self.site.stop(signal.SIGKILL)
            self.check()
            self.serves_again()
        return "ended with a sentence"

    def end(self) -> None:
        """Stop all."""
        self.site.stop(signal.SIGKILL)
        self.load.end()
