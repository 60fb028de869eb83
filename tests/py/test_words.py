"""What users read: no riddles, every word explained, and examples that run."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import pena
from support.ports import held_port
from support.process import quiet_environment, quiet_environment_of_others, run

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *("README.md", "CHANGELOG.md", "docs/protocol.md", "docs/glossary.md", "docs/python.md"),
    *("docs/commands.md", "docs/cpp.md"),
]
COMMANDS = ["server", "client", "demo", "sim", "check", "backup", "put", "work", "bench", "version"]

# The numbers of rules and the document that they are from mean nothing to users.
RIDDLE = re.compile(r"\bR\d{1,2}\b|\b[Tt]he brief\b|\bbrief's\b")
COMMENT = re.compile(r"//[^\n]*")
LITERAL = re.compile(r'"(?:[^"\\\n]|\\.)*"')


def riddles(text: str) -> list[str]:
    return RIDDLE.findall(text)


def docstrings(path: Path) -> Iterator[str]:
    """Every text: docstrings, those of attributes, and sentences that are raised."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize("page", PAGES)
def test_pages_for_users_have_no_riddles(page: str) -> None:
    assert riddles((ROOT / page).read_text()) == []


def test_python_texts_have_no_riddles() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {text.strip()[:60]}"
        for path in (ROOT / "python").rglob("*.py")
        for text in docstrings(path)
        if riddles(text)
    }
    assert found == set()


def test_python_texts_call_a_msg_by_one_name() -> None:
    """As the glossary does. A line of the log and an event have a message of their own."""
    of_others = re.compile(r"%\(message\)s|type='message'|\"message\"")
    found = {
        f"{path.relative_to(ROOT)}: {text.strip()[:60]}"
        for path in (ROOT / "python").rglob("*.py")
        for text in docstrings(path)
        if re.search(r"\bmessages?\b", of_others.sub("", text), re.IGNORECASE)
    }
    assert found == set()


def test_sentences_of_the_engines_have_no_riddles() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {text}"
        for folder in ("cpp", "cli")
        for path in (ROOT / folder).rglob("*.?pp")
        for text in LITERAL.findall(COMMENT.sub("", path.read_text()))
        if riddles(text)
    }
    assert found == set()


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_has_no_riddles(command: str) -> None:
    shown = run("pena", "help", *([command] if command else []))
    assert (shown.returncode, shown.stderr) == (0, "")
    assert riddles(shown.stdout) == []
    assert "message" not in shown.stdout.lower()  # a msg has one name


def test_a_riddle_would_be_found() -> None:
    assert riddles("ends (R15)") == ["R15"]
    assert riddles("the brief's client") == ["the brief"]
    assert riddles("R2D2, in brief") == []


MET = [
    *(reason.value for reason in pena.MissReason),
    *("missed", "suspect", "grace", "linger", "drain", "lease", "attempt", "panicked", "silence"),
    *("queue", "batch", "report", "fail", "heartbeat", "duplicate", "unknown", "held", "free"),
    *("busy", "slack", "full", "store", "seed", "batchsize", "client", "msg", "period"),
    "stop time",
]


@pytest.mark.parametrize("word", MET)
def test_each_word_that_users_meet_is_explained(word: str) -> None:
    glossary = (ROOT / "docs/glossary.md").read_text()
    assert re.search(rf"\*\*{word}\*\*", glossary), f"docs/glossary.md does not explain {word!r}"


def samples(language: str) -> list[str]:
    text = (ROOT / "README.md").read_text()
    part = text[text.index("## Sixty seconds") : text.index("## What it promises")]
    return re.findall(rf"```{language}\n(.*?)```", part, re.DOTALL)


def test_the_python_of_the_readme_can_be_pasted_and_run_twice(tmp_path: Path) -> None:
    [sample] = samples("python")
    for _ in range(2):
        ran = subprocess.run(
            [sys.executable, "-c", sample],
            cwd=tmp_path,
            env=quiet_environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        assert ran.stdout == "2 404\n"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_shell_of_the_readme_can_be_pasted_and_run_twice(tmp_path: Path) -> None:
    """In one folder, so the second time the stores are there; the ports are others, free ones."""
    worker, commands, alone = samples("sh")
    said: dict[str, list[str]] = {"worker": [], "commands": [], "alone": []}
    for _ in range(2):
        for name, sample in (("worker", worker), ("commands", commands), ("alone", alone)):
            with ExitStack() as held:
                for port in ("8080", "8081"):
                    sample = sample.replace(f":{port}", f":{held.enter_context(held_port())}")
                ran = subprocess.run(
                    ["bash", "-c", f"set -u\n{sample}"],
                    cwd=tmp_path,
                    env=quiet_environment_of_others(),
                    capture_output=True,
                    text=True,
                    timeout=120,
                    check=False,
                )
            assert ran.returncode == 0, ran.stderr
            assert "cannot" not in ran.stderr
            said[name].append(ran.stdout)
    first, second = said["worker"]
    assert '"message":"success","reported":1' in first
    assert '"message":"success","reported":1' in second
    ids = [len(re.findall(r'"[0-9a-v]{20}"', out.splitlines()[-1])) for out in (first, second)]
    assert ids == [1, 2]
    first, second = said["commands"]
    assert sorted(re.findall("a mail to .*", first)) == [
        f"a mail to {to}" for to in ("ann", "bob", "eve")
    ]
    assert re.findall("[0-9a-v]{20}", first) == re.findall("[0-9a-v]{20}", second)
    assert "a mail" not in second
    for out in said["alone"]:
        assert out.count("batches_done") == 3
        assert ": sound" in out
        assert "It adds up" in out
