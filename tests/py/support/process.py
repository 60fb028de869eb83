"""`pena server` as a process of its own."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys

from support.poll import until

TIMEOUT = 20.0


class ServerProcess:
    """A server started by its command; `url` is read from its first line."""

    def __init__(self, *options: str, command: tuple[str, ...] = ("pena", "server")) -> None:
        self.process = subprocess.Popen(
            [*command, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=quiet_environment(),
        )
        self.errors = ""
        self._heard = b""  # of its stderr, before its end
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline()
        if not self.first_line.startswith("listening on "):
            self.stop(signal.SIGKILL)
            raise AssertionError(f"did not listen: {self.first_line!r} {self.errors}")
        self.url = self.first_line.removeprefix("listening on ").strip()

    def hear(self, words: str) -> None:
        """Wait until it has said so on stderr."""
        assert self.process.stderr is not None
        file = self.process.stderr.fileno()

        def said() -> bool:
            if select.select([file], [], [], 0)[0]:
                self._heard += os.read(file, 65536)
            return words.encode() in self._heard

        until(said, f"it said {words!r}")

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """End it and return its exit code (negative: the signal)."""
        if self.process.returncode is None:
            self.process.send_signal(by)
            _, rest = self.process.communicate(timeout=TIMEOUT)
            self.errors = self._heard.decode(errors="replace") + rest
        return self.process.returncode


def python(code: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in an interpreter of its own, which must end in time."""
    return run(sys.executable, "-W", "error", "-c", code)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, which must come in time."""
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
        env=quiet_environment(),
    )


def works(*command: str) -> bool:
    """Whether a command is installed here, and may do what it does."""
    try:
        ran = subprocess.run(
            command, capture_output=True, timeout=TIMEOUT, check=False, env=foreign_environment()
        )
    except FileNotFoundError:
        return False
    return ran.returncode == 0


def foreign_environment() -> dict[str, str]:
    """Return the environment without what is preloaded into Pena's own processes."""
    return {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}


def quiet_environment_of_others() -> dict[str, str]:
    """Return the environment without either: for a shell, whose programs are Pena's and others'."""
    return {name: value for name, value in quiet_environment().items() if name != "LD_PRELOAD"}


def quiet_environment() -> dict[str, str]:
    """Return the environment without what would set options."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PENA_")}
