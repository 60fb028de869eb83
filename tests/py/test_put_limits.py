"""`pena put` where something ends it: what is too large, nobody who answers, nobody who reads."""

from __future__ import annotations

import signal
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.process import TIMEOUT, ServerProcess, quiet_environment, run
from support.put import Put, serve
from support.stream import get


@pytest.fixture
def server(running: ExitStack, tmp_path: Path) -> ServerProcess:
    return serve(running, tmp_path)


@pytest.fixture
def listener(running: ExitStack) -> socket.socket:
    """A server that takes connections and answers nothing."""
    listener = running.enter_context(socket.create_server(("127.0.0.1", 0)))
    listener.settimeout(TIMEOUT)
    return listener


@pytest.fixture
def hanging(listener: socket.socket) -> str:
    """Its URL."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_body_that_is_refused_before_it_is_read_is_named(
    server: ServerProcess, put: Put, tmp_path: Path
) -> None:
    (tmp_path / "lines").write_text('1\n"' + "x" * (20 << 20) + '"\n3\n')
    command = put("--url", server.url, str(tmp_path / "lines"))
    assert command.end() == 1
    assert command.said.startswith("pena: line 2 is refused: 413: ")
    assert command.said.endswith("; accepted before it: 1 msg\n")
    assert len(command.printed) == 1


def test_the_patience_bounds_how_long_an_answer_is_waited_for(
    listener: socket.socket, hanging: str
) -> None:
    """It is over with the first try, which would be waited for ten seconds otherwise."""
    ran = run("pena", "put", "--url", hanging, "--payload", "1", "--patience", "1s")
    assert ran.returncode == 1
    assert ran.stderr == (
        f"pena: payload 1 is not accepted: {hanging} does not take it: it has not answered in "
        "time; tried for 1 s; it and what follows it may be accepted: 1 msg; accepted before it: "
        "0 msgs\n"
    )
    listener.accept()[0].close()
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_a_signal_while_the_server_hangs_is_told(
    listener: socket.socket, hanging: str, put: Put, tmp_path: Path, running: ExitStack
) -> None:
    (tmp_path / "lines").write_text("1\n2\n")
    command = put("--url", hanging, str(tmp_path / "lines"))
    running.enter_context(listener.accept()[0])
    assert command.end(signal.SIGINT) == 1
    assert "stopped by a signal" in command.said
    assert command.said.endswith("may be accepted: 2 msgs; accepted before it: 0 msgs\n")


@pytest.mark.parametrize("value", ["true", "false", "{}", "[]", '{"a": 1}', "[7]"])
def test_a_key_is_text_or_a_number(server: ServerProcess, value: str) -> None:
    script = f"""printf '%s\n' '{{"k": 1}}' '{{"k": {value}}}' | pena put --url "$0" --key k"""
    ran = run("sh", "-c", script, server.url)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == (
        "pena: line 2 has neither text nor a number in its field k for --key; accepted before it: "
        "0 msgs\n"
    )


def test_whoever_reads_no_ids_hears_how_many_were_accepted(server: ServerProcess) -> None:
    words = ["pena", "put", "--url", server.url, "-"]
    with subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=quiet_environment(),
        text=True,
    ) as command:
        assert command.stdin is not None
        assert command.stdout is not None
        command.stdin.write("1\n")
        command.stdin.flush()
        assert len(command.stdout.readline()) == 21
        command.stdout.close()
        command.stdin.write("2\n")
        command.stdin.flush()
        assert command.wait(60) == 1
        assert command.stderr is not None
        assert command.stderr.read() == (
            "pena: cannot write to stdout: Broken pipe; accepted before it: 2 msgs\n"
        )
        command.stdin.close()
    assert len(get(server.url, "/queue")["ids"]) == 2


def test_lines_may_be_text(server: ServerProcess) -> None:
    lines = b'a "b"\n\n  {c}\n\xc3\xa9\\\n'
    words = ["pena", "put", "--url", server.url, "--text"]
    ran = subprocess.run(
        words, input=lines, capture_output=True, check=False, env=quiet_environment()
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    found = get(server.url, "/queue?records=1")["records"]
    assert [record["payload"] for record in found] == ['a "b"', "  {c}", "\u00e9\\"]
    ran = subprocess.run(
        words, input=b"a\n\xff\n", capture_output=True, check=False, env=quiet_environment()
    )
    assert (ran.returncode, ran.stdout) == (1, b"")
    assert ran.stderr == (b"pena: line 2 is no UTF-8; expected text; accepted before it: 0 msgs\n")
    for other in (["--key", "k"], ["--payload", "1"]):
        assert run(*words, *other).returncode == 2


def test_it_may_be_quiet(server: ServerProcess) -> None:
    words = ["pena", "put", "--url", server.url, "--payload", "1"]
    for quiet in (["--quiet"], ["--quiet", "--json"]):
        ran = run(*words, *quiet)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert len(get(server.url, "/queue")["ids"]) == 2


def test_one_variable_names_the_server_of_both_commands(
    server: ServerProcess, hanging: str
) -> None:
    put = 'pena put --payload 1 && PENA_URL=$0 pena work --until-empty -- sh -c "echo $PENA_URL"'
    ran = subprocess.run(
        ["sh", "-c", put, server.url],
        capture_output=True,
        check=False,
        env={**quiet_environment(), "PENA_URL": server.url},
        text=True,
    )
    assert (ran.returncode, ran.stderr) == (0, "pena: 1 done, 0 failed, 0 given back\n")
    # Its own goes first.
    ran = subprocess.run(
        ["pena", "put", "--payload", "1"],
        capture_output=True,
        check=False,
        env={**quiet_environment(), "PENA_URL": hanging, "PENA_PUT_URL": server.url},
        text=True,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
