"""What a server and the command do with descriptors, pipes and signals that others gave them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import pena
from support.poll import until
from support.ports import held_port, is_listened_on
from support.process import TIMEOUT, quiet_environment, run
from support.site import Site


@pytest.mark.parametrize("command", ["pena server", f"{sys.executable} -m pena.server"])
def test_a_server_without_standard_files_keeps_its_store(
    site: Site, tmp_path: Path, command: str
) -> None:
    """Its log would have been written into whatever file had the number 2."""
    store = tmp_path / "closed"
    with held_port() as port:
        options = f"--log-level debug --no-generate --listen 127.0.0.1:{port} --store {store}"
        server = subprocess.Popen(
            ["sh", "-c", f"exec {command} {options} <&- >&- 2>&-"], env=quiet_environment()
        )
        try:
            until(lambda: is_listened_on(port), "it listens")
            [id] = site.submit(f"http://127.0.0.1:{port}", 5)
            site.submitted.discard(id)  # of another store
            files = [f"/proc/{server.pid}/fd/{number}" for number in (0, 1, 2)]
            assert {os.readlink(file) for file in files} == {"/dev/null"}
        finally:
            server.terminate()
        assert server.wait(TIMEOUT) == 0
    assert run("pena", "check", str(store)).returncode == 0
    with pena.Store(store) as kept:
        assert list(kept.queue) == [id]


SECURED = """
import os, sys, pena
for number in (0, 1, 2):
    os.close(number)
{start}
names = {{os.readlink(f"/proc/self/fd/{{number}}") for number in (0, 1, 2)}}
os._exit(0 if names == {{"/dev/null"}} else 7)
"""


@pytest.mark.parametrize(
    "start",
    [
        "kept = pena.Server(store=sys.argv[1] + '/new', generate=False).start()",
        "kept = pena.Server(generate=False).start()",
        "kept = pena.Client('http://127.0.0.1:1').start()",
        "kept = pena.Store(sys.argv[1] + '/old')",
    ],
)
def test_nothing_that_python_starts_gets_a_standard_number(tmp_path: Path, start: str) -> None:
    with pena.Server(store=tmp_path / "old", generate=False):
        pass
    code = SECURED.format(start=start)
    ran = subprocess.run([sys.executable, "-c", code, str(tmp_path)], timeout=TIMEOUT, check=False)
    assert ran.returncode == 0


def test_nobody_who_does_not_read_holds_a_server_up(site: Site) -> None:
    """Grants, reports and the end go on beside a log that nobody reads."""
    server = site.process("--log-level=debug", "--no-generate")  # its stderr is read at the end
    stream = site.stream(server.url, 100)
    for _ in range(40):  # some 100 KiB of log lines; a pipe holds 64
        site.submit(server.url, *([1] * 100))
        stream.report(stream.next_batch())
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(TIMEOUT) == 0
    server.process.communicate()


def test_a_stdout_that_nobody_reads_does_not_outlive_a_signal(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    command = ["pena", "server", "--listen=127.0.0.1:0", f"--store={tmp_path}/s", "--no-generate"]
    server = subprocess.Popen(command, stdout=writing, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    assert "listening" in server.stderr.readline()
    server.send_signal(signal.SIGTERM)
    assert server.wait(TIMEOUT) == 1
    said = server.stderr.read()
    assert said.count("pena: cannot write to stdout: nobody reads it") == 1
    server.stderr.close()
    os.close(reading)
    os.close(writing)


COMMANDS = {
    "help": ("pena", "--help"),
    "help of a command": ("pena", "server", "--help"),
    "nothing": ("pena",),
    "version": ("pena", "--version"),
    "check": ("pena", "check", "STORE"),
    "check --json": ("pena", "check", "--json", "STORE"),
    "sim": ("pena", "sim", "--seeds=1", "--length=1s"),
    "sim --json": ("pena", "sim", "--seeds=1", "--length=1s", "--json"),
    "sim --seed": ("pena", "sim", "--seed=1", "--length=1s"),
    "server": ("pena", "server", "--listen=127.0.0.1:0", "--store=STORE"),
    "client": ("pena", "client", "--url=URL", "--batchsize=1", "--max-batches=1"),
    "demo": ("pena", "demo", "--clients=1", "--count=1"),
    "bench": ("pena", "bench", "--url=URL", "--duration=50ms", "--warmup=0ms"),
    "python -m": (sys.executable, "-m", "pena", "--version"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_what_cannot_be_written_to_stdout_fails(site: Site, tmp_path: Path, name: str) -> None:
    with pena.Server(store=tmp_path / "small", generate=False):
        pass
    server = pena.Server(seed=1).start()
    small = str(tmp_path / "small")
    command = [part.replace("STORE", small).replace("URL", server.url) for part in COMMANDS[name]]
    with open("/dev/full", "w") as full:
        ran = subprocess.run(
            command,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=TIMEOUT,
            check=False,
            env=quiet_environment(),
        )
    server.stop()
    assert ran.returncode != 0
    said = ran.stderr.strip().splitlines()[-1]
    said = json.loads(said)["error"] if said.startswith("{") else said
    assert "cannot write to stdout: No space left on device" in said


def test_a_reader_that_goes_away_is_a_failure_and_no_signal() -> None:
    command = "pena sim --seed 1 --length 60s; echo $? >&2"
    reading = subprocess.Popen(
        ["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert reading.stdout is not None
    reading.stdout.close()
    assert reading.stderr is not None
    assert reading.stderr.read() == "pena: cannot write to stdout: Broken pipe\n1\n"
    reading.wait(TIMEOUT)
    reading.stderr.close()


def test_the_end_of_its_terminal_does_not_end_a_server(site: Site) -> None:
    server = site.process("--no-generate")
    for by in (signal.SIGHUP, signal.SIGPIPE):
        server.process.send_signal(by)
    server.hear("SIGHUP")
    site.submit(server.url, 1)
    assert server.stop() == 0


def descriptors_of(process: int) -> set[str]:
    """Return what is behind the descriptors of a process, but the three that all inherit."""
    names = set()
    for file in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            if int(file.name) > 2:
                names.add(os.readlink(file))
    return names


CHILDREN = {
    "os.system": "os.system('exec sleep 60 & echo $!')",
    "subprocess": "print(subprocess.Popen(['sleep', '60'], close_fds=False).pid)",
}


@pytest.mark.parametrize("start", CHILDREN.values(), ids=CHILDREN)
def test_a_program_that_is_started_inherits_nothing(tmp_path: Path, start: str) -> None:
    code = f"""
import os, subprocess, sys, pena
server = pena.Server(store=sys.argv[1]).start()
client = pena.Client(server.url).start()
while not client.stats.received: client.wait(0.01)
before = set(os.listdir("/proc/self/fd"))
{start}
sys.stdout.flush()
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-u", "-c", code, str(tmp_path / "store")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        try:
            own = descriptors_of(parent.pid)
            assert any("data.mdb" in name for name in own)
            until(
                lambda: b"sleep" in Path(f"/proc/{child}/cmdline").read_bytes()[:6],
                "it is started",
            )
            inherited = descriptors_of(child) & own
            assert inherited == set()
        finally:
            os.kill(child, signal.SIGKILL)
            parent.communicate()
