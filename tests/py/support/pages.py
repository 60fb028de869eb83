"""The pages for users: their blocks, and a shell that runs what they show.

A block ```console shows commands behind `$ ` (a line that goes on begins with `> `), and beneath
each what it prints. The commands run as they stand, one section of a page after the other, each
in an empty folder. What is other at each run is a pattern: ids, dates, ports, and `…`. An id of
the text stands for one real id, wherever the text has it, also in a later command.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from support.ports import held_port
from support.process import TIMEOUT, quiet_environment_of_others

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Block:
    """What stands between two fences."""

    page: str
    section: str  # the heading above it
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        """Return where it is."""
        return f"{self.page}:{self.line}"


def blocks(page: str, text: str | None = None) -> list[Block]:
    """Find every fenced block of a page."""
    found: list[Block] = []
    section, begun = "", None
    inside: list[str] = []
    for number, line in enumerate((text or (ROOT / page).read_text()).splitlines(), 1):
        if begun is None and re.match(r"#{1,3} ", line):
            section = line.strip("# ").strip()
        elif begun is None and line.startswith("```"):
            begun, inside = (number, line.removeprefix("```").strip()), []
        elif begun is not None and line == "```":
            text_of_it = "".join(f"{one}\n" for one in inside)
            found.append(Block(page, section, begun[0], begun[1], text_of_it))
            begun = None
        elif begun is not None:
            inside.append(line)
    return found


@dataclass(frozen=True)
class Step:
    """A command as it stands, and what the text shows beneath it."""

    name: str
    command: str
    shown: str

    @property
    def stays(self) -> bool:
        """Whether it goes on behind the others: a server, a stream."""
        return self.command.endswith("&")


def steps(block: Block) -> Iterator[Step]:
    """Split a console block."""
    command: list[str] = []
    shown: list[str] = []
    begun = block.line
    for number, line in enumerate(block.text.splitlines(), block.line + 1):
        if line.startswith("$ "):
            if command:
                yield Step(f"{block.page}:{begun}", "\n".join(command), "\n".join(shown))
            command, shown, begun = [line[2:]], [], number
        elif line.startswith("> ") and not shown:
            command.append(line[2:])
        else:
            assert command, f"{block.page}:{number}: no command before it; expected `$ …`"
            shown.append(line)
    if command:
        yield Step(f"{block.page}:{begun}", "\n".join(command), "\n".join(shown))


ID = r"(?<![0-9a-zA-Z])[0-9a-v]{19}[0g](?![0-9a-zA-Z])"
# What is other at each run, with what takes its place.
CHANGES = {
    ID: rf"({ID})",
    r"\b1[0-9]{12}\b": r"1[0-9]{12}",  # ms since 1970
    r"\b20\d\d-\d\d-\d\dT[0-9:.]+Z": r"20\d\d-\d\d-\d\dT[0-9:.]+Z",
    r"(?m:^…$)\n": r"(?:[^\n]*\n)*?",  # lines that are left out
    r"…": r"[^\n]*?",
}
CHANGE = re.compile("|".join(f"({change})" for change in CHANGES))
HEARTBEAT = re.compile(r"(?<!^): at=[0-9]{13}\n")  # but not the first line


def compact(text: str) -> str:
    """Put JSON that begins a line, and is shown on several, on one as it came."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line.startswith(("{", "[")):
            rest = "\n".join(lines[number:]).replace(":…", ':"…"')  # a number that is left out
            try:
                value, end = json.JSONDecoder().raw_decode(rest)
            except ValueError:
                continue
            one = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            one = one.replace(':"…"', ":…")
            return "\n".join([*lines[:number], one + compact(rest[end:])])
    return text


class Names:
    """Which id of the text stands for which real one."""

    def __init__(self) -> None:
        self._real: dict[str, str] = {}

    def in_command(self, text: str) -> str:
        """Put the real ids in; one that nothing has shown yet stands for itself."""
        return re.sub(ID, lambda found: self._real.setdefault(found[0], found[0]), text)

    def compare(self, shown: str, came: str, *, more: bool = False) -> str:
        """Say what is wrong with what came, if anything; `more` may follow it."""
        shown, came = compact(shown).strip("\n"), came.replace("\r", "").strip("\n")
        if more and not shown:
            return ""
        pattern, names, at = "", [], 0
        for change in CHANGE.finditer(shown + "\n"):
            pattern += re.escape(shown[at : change.start()])
            pattern += list(CHANGES.values())[(change.lastindex or 1) - 1]
            names += [change[0]] if change.lastindex == 1 else []
            at = change.end()
        pattern += re.escape(shown[at:]) + (r"(?:\n|$)" if more else r"$")
        found = re.match(pattern, HEARTBEAT.sub("", came + "\n") if more else came)
        if found is None:
            return f"shown:\n{shown}\ncame:\n{came}"
        real = dict(self._real)
        for name, id in zip(names, found.groups(), strict=True):
            if real.setdefault(name, id) != id:
                return f"{name} stood for {real[name]}, and for {id} here:\n{came}"
        if len(set(real.values())) < len(real):
            return f"two ids of the text stand for one:\n{shown}\ncame:\n{came}"
        self._real = real
        return ""


class Shell:
    """One bash, which is given commands one after the other."""

    def __init__(self, folder: Path) -> None:
        self._work, self._out = folder / "work", folder / "out"
        self._work.mkdir()
        self._out.mkdir()
        self._names, self._count = Names(), 0
        self._ports: dict[str, str] = {}
        self._held = ExitStack()
        self._bash = subprocess.Popen(
            ["bash", "--norc"],
            cwd=self._work,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=quiet_environment_of_others(),
            start_new_session=True,
        )

    def end(self) -> None:
        """End it with all that it has started."""
        os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.communicate()
        self._held.close()

    def run(self, step: Step) -> None:
        """Run it; what it prints has to be what is shown."""
        self._count += 1
        out, err = (self._out / f"{self._count}.{kind}" for kind in ("out", "err"))
        command = self._names.in_command(self.with_ports(step.command))
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        ends, late = [self._bash.stdout], f"{step.name}: {step.command}\ndoes not end"
        to = f">'{out}' 2>'{err}' </dev/null"
        self._bash.stdin.write(f"{{ {command}\n}} {to}; echo $?\n")
        self._bash.stdin.flush()
        assert select.select(ends, [], [], TIMEOUT)[0], late
        code = self._bash.stdout.readline().strip()
        errors = err.read_text(errors="replace")
        assert code == "0", f"{step.name}: {step.command}\nended with {code}: {errors}"
        deadline = time.monotonic() + TIMEOUT
        while wrong := self._compare(step, out):
            over = not step.stays or time.monotonic() > deadline
            assert not over, f"{step.name}: {step.command}\n{wrong}\n{errors}"
            time.sleep(0.005)

    def _compare(self, step: Step, out: Path) -> str:
        came = out.read_text(errors="replace")
        for port, real in self._ports.items():
            came = came.replace(f":{real}", f":{port}")
        return self._names.compare(step.shown, came, more=step.stays)

    def with_ports(self, command: str) -> str:
        """Put free ports in the place of those of the text."""

        def real(found: re.Match[str]) -> str:
            if found[1] not in self._ports:
                self._ports[found[1]] = str(self._held.enter_context(held_port()))
            return f"127.0.0.1:{self._ports[found[1]]}"

        return re.sub(r"127\.0\.0\.1:(80\d\d)", real, command)
