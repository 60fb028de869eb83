"""The programs in `examples`, as somebody would start them."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from support.npm import installed
from support.pages import ROOT
from support.poll import until
from support.process import TIMEOUT, foreign_environment, quiet_environment_of_others

FOLDER = ROOT / "examples"
LANGUAGES = ("shell", "python", "node", "go")
# What docs/workers.md shows whole.
WORKERS = (
    *("shell/worker.sh", "python/worker.py", "node/worker.js", "go/worker/main.go"),
    *("java/Worker.java", "rust/worker.rs"),
)
# What each needs on the machine.
NEEDS = {
    "shell": ("bash", "curl", "jq"),
    "python": (),
    "node": ("node",),
    "go": ("go",),
    "java": ("java",),
    "rust": ("rustc",),
}


def _node(program: str, _: Path) -> list[str]:
    return ["node", str(installed(FOLDER / "node") / f"{program}.js")]


def _go(program: str, folder: Path) -> list[str]:
    built = folder / program
    build = ["go", "build", "-o", str(built), f"./{program}"]
    subprocess.run(build, check=True, cwd=FOLDER / "go", env=foreign_environment())
    return [str(built)]


def _rust(program: str, folder: Path) -> list[str]:
    built, source = folder / program, FOLDER / f"rust/{program}.rs"
    build = ["rustc", "--edition", "2021", "-o", str(built), str(source)]
    subprocess.run(build, check=True, env=foreign_environment())
    return [str(built)]


COMMANDS: dict[str, Callable[[str, Path], list[str]]] = {
    "shell": lambda program, _: ["bash", str(FOLDER / f"shell/{program}.sh")],
    "python": lambda program, _: [sys.executable, str(FOLDER / f"python/{program}.py")],
    "node": _node,
    "go": _go,
    "java": lambda program, _: ["java", str(FOLDER / f"java/{program.capitalize()}.java")],
    "rust": _rust,
}


def command(language: str, program: str, folder: Path) -> list[str]:
    """Return that of a program, built in `folder`; skip the test where its language is missing."""
    for tool in NEEDS[language]:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    return COMMANDS[language](program, folder)


class Program:
    """One that runs, with its input and what it prints in files."""

    def __init__(self, command: list[str], folder: Path, feed: str, variables: dict[str, str]):
        self._out, self._err, given = (folder / name for name in ("out", "err", "in"))
        given.write_text(feed)
        with self._out.open("w") as out, self._err.open("w") as err, given.open() as feed_file:
            self._process = subprocess.Popen(
                command,
                stdin=feed_file,
                stdout=out,
                stderr=err,
                env={**quiet_environment_of_others(), **variables},
            )

    @property
    def printed(self) -> list[str]:
        """Return the lines of its stdout."""
        return self._out.read_text().splitlines()

    @property
    def said(self) -> str:
        """Return its stderr."""
        return self._err.read_text()

    def hear(self, words: str) -> None:
        """Wait until it has said so."""
        until(lambda: words in self.said, f"it said {words!r}", timeout=60)

    def end(self, by: signal.Signals | None = None) -> int:
        """Return its exit code once it has ended, by a signal or by itself."""
        if by is not None:
            self._process.send_signal(by)
        return self._process.wait(60)

    def kill(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait(TIMEOUT)


class Examples:
    """Starts programs of one language, and ends those that still run."""

    def __init__(self, language: str, folder: Path, running: ExitStack) -> None:
        self._language, self._folder, self._running = language, folder, running
        self._count = 0

    def start(self, program: str, *options: str, feed: str = "", **variables: str) -> Program:
        """Start `worker` or `producer`."""
        self._count += 1
        folder = self._folder / f"{program}-{self._count}"
        folder.mkdir()
        words = [*command(self._language, program, folder), *options]
        running = Program(words, folder, feed, variables)
        self._running.callback(running.kill)
        return running


@contextmanager
def examples_of(language: str, folder: Path) -> Iterator[Examples]:
    """Give what starts the programs of a language."""
    with ExitStack() as running:
        yield Examples(language, folder, running)
