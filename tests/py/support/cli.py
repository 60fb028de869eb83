"""A command of `pena` beside the test, with what it prints in files."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from support.poll import until
from support.process import quiet_environment


class Running:
    """`pena …`; its stdin is a pipe where the test feeds it, and empty otherwise."""

    def __init__(self, folder: Path, *words: str, fed: bool = False) -> None:
        folder.mkdir(exist_ok=True)
        self._out, self._err = folder / "out", folder / "err"
        with self._out.open("w") as out, self._err.open("w") as err:
            self._process = subprocess.Popen(
                ["pena", *words],
                stdin=subprocess.PIPE if fed else subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                text=True,
                env=quiet_environment(),
            )

    @property
    def printed(self) -> list[str]:
        """Return the whole lines of its stdout."""
        text = self._out.read_text()
        return text[: text.rfind("\n") + 1].splitlines()

    @property
    def said(self) -> str:
        """Return its stderr."""
        return self._err.read_text()

    def feed(self, text: str) -> None:
        """Write to its stdin."""
        assert self._process.stdin is not None
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def finish_feeding(self) -> None:
        """Close its stdin."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def hear(self, words: str) -> None:
        """Wait until it has said so on stderr."""
        until(lambda: words in self.said, f"it said {words!r}", timeout=60)

    def send(self, which: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(which)

    def end(self, by: signal.Signals | None = None) -> int:
        """Return its exit code once it has ended, by a signal or by itself."""
        if by is not None:
            self.send(by)
        return self._process.wait(60)

    def close(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
