"""`pena work` where its command cannot be run, or its machine has nothing left to run it with."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import pytest

from support.cli import Running
from support.process import ServerProcess, run
from support.site import Site
from support.stream import get
from support.work import QUICK, TIMES, Work, records, submit


@pytest.fixture
def server(site: Site) -> ServerProcess:
    return site.process("--no-generate", *TIMES, *QUICK, quick=False)


def script(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def test_a_command_that_cannot_be_run_takes_no_msg(
    site: Site, server: ServerProcess, tmp_path: Path
) -> None:
    [id] = submit(site, server.url, ["a"])
    for command, code, why in [
        ("pena-no-such", 127, "No such file or directory; no msg"),
        ("/etc/passwd", 126, "Permission denied; no msg"),
        (str(tmp_path), 126, "Permission denied; no msg"),
        (
            script(tmp_path / "lost", "#!/no/such/interpreter\n"),
            127,
            "No such file or directory, which it needs to be run by; no msg",
        ),
        (script(tmp_path / "foreign", "\x7fELF\0\n"), 126, "Exec format error; no msg"),
    ]:
        ran = run("pena", "work", "--url", server.url, "--until-empty", "--", command, "x")
        assert ran.returncode == code, ran.stderr
        assert ran.stderr.startswith(f'pena: the command "{command}" cannot be run: {why}')
    assert get(server.url, f"/task/{id}")["story"] == []


def test_a_command_that_is_looked_at_is_not_run(
    site: Site, server: ServerProcess, work: Work, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    worker = work(server.url, "--until-empty", "--", script(tmp_path / "c", f"#!/bin/sh\n>{ran}\n"))
    assert worker.end() == 0, worker.said
    assert not ran.exists()


def test_a_script_that_names_no_interpreter_is_the_shells(
    site: Site, server: ServerProcess, work: Work, tmp_path: Path
) -> None:
    """As `sh` and `xargs` have it."""
    submit(site, server.url, ["a b"])
    command = script(tmp_path / "plain", 'echo "$#$1$2" "$0"\n')
    worker = work(server.url, "--until-empty", "--", command, "{}", "c")
    assert worker.end() == 0, worker.said
    assert worker.printed == [f"2a bc {command}"]
    submit(site, server.url, ["a"])
    assert work(server.url, "--until-empty", "--", script(tmp_path / "empty", "")).end() == 0
    assert len(records(server.url, "report")) == 2


def test_a_command_that_vanishes_is_missed_where_it_was_found(
    site: Site,
    server: ServerProcess,
    work: Work,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another of its name is not what was executed."""
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
        script(folder / "pena-command", '#!/bin/sh\nrm "$0"\n')
    monkeypatch.setenv("PATH", ":".join([*map(str, folders), os.environ["PATH"]]))
    submit(site, server.url, list("ab"))
    worker = work(server.url, "--until-empty", "--", "pena-command")
    assert worker.end() == 127
    reason = 'pena: the command "pena-command" cannot be run: No such file or directory\n'
    assert worker.said.endswith(reason)


def test_a_command_that_vanishes_ends_it_and_its_msgs_go_back(
    site: Site, server: ServerProcess, work: Work, tmp_path: Path
) -> None:
    ids = submit(site, server.url, list("abc"))
    command = script(tmp_path / "command", '#!/bin/sh\nrm "$0"\n')
    worker = work(server.url, "--until-empty", "--", command)
    assert worker.end() == 127
    summary, reason = worker.said.splitlines()
    assert summary == "pena: 1 done, 0 failed, 1 given back"
    assert reason == f'pena: the command "{command}" cannot be run: No such file or directory'
    waiting = records(server.url, "queue")
    assert sorted(waiting) == ids[1:]
    # One came when it had vanished; none came again.
    misses = [[miss["reason"] for miss in waiting[id]["misses"]] for id in ids[1:]]
    assert misses == [["refused"], []]


# The first leaves its worker room for one more descriptor, and says which process that is.
STARVES = """[ "$1" = a ] || exit 0
prlimit --pid $PPID --nofile=$(($(ls /proc/$PPID/fd | sort -n | tail -1) + 1)):
echo $PPID >"$0"
"""


@pytest.fixture
def starved(site: Site, server: ServerProcess, work: Work, tmp_path: Path) -> tuple[Running, int]:
    """A worker that has done one msg and cannot start the other, and its process."""
    submit(site, server.url, ["a", "b"], max_resends=0)
    file = tmp_path / "process"
    words = ["--until-empty", "--log-level", "info", "--", "sh", "-c", STARVES, str(file), "{}"]
    worker = work(server.url, *words)
    worker.hear("no command can be started, so the msgs that are here wait: no ")
    return worker, int(file.read_text())


def test_what_the_machine_lacks_costs_no_msg_an_attempt(
    server: ServerProcess, starved: tuple[Running, int]
) -> None:
    worker, process = starved
    _, most = resource.prlimit(process, resource.RLIMIT_NOFILE)
    resource.prlimit(process, resource.RLIMIT_NOFILE, (min(most, 100), most))
    assert worker.end() == 0, worker.said
    assert worker.said.count("no command can be started") == 1
    assert "commands can be started again" in worker.said
    assert worker.said.endswith("pena: 2 done, 0 failed, 0 given back\n")
    reported = records(server.url, "report")
    assert [record["attempts"] for record in reported.values()] == [1, 1]


def test_a_signal_gives_back_what_could_not_be_started(
    server: ServerProcess, starved: tuple[Running, int]
) -> None:
    worker, _ = starved
    assert worker.end(signal.SIGTERM) == 0
    assert worker.said.endswith("pena: 1 done, 0 failed, 1 given back\n")
    [failed] = records(server.url, "fail").values()
    assert [miss["reason"] for miss in failed["misses"]] == ["refused"]
