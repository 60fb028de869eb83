"""`pena.Worker` in several processes, and `python -m pena.worker`."""

from __future__ import annotations

import inspect
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import pena
from support.poll import until
from support.process import TIMEOUT, quiet_environment, run
from support.workers import HERE, Workers, outcomes, serving


@pytest.mark.parametrize(
    ("handler", "options", "msgs"),  # as many as are not done in a moment
    [("slow_double", ["--processes=3"], 400), ("slow_double", ["--threads=8"], 800),
     ("slow_double_in_a_task", ["--tasks=50"], 2000)],
)  # fmt: skip
def test_sigterm_under_load_costs_no_attempt(
    tmp_path: Path, handler: str, options: list[str], msgs: int
) -> None:
    with (
        pena.Server(store=tmp_path / "pena.lmdb", generate=False) as server,
        pena.Queue(server.url, "images") as queue,
    ):
        ids = []
        for _ in range(5):
            before = queue.stats().reported
            ids += queue.submit({"n": n} for n in range(msgs))
            workers = Workers(server.url, handler, "--quiet", *options)
            until(
                lambda before=before: queue.stats().reported > before + 40, "some are reported", 60
            )
            code, said = workers.end()
            assert (code, said) == (0, "")
        assert queue.stats().held == 0
        assert outcomes(queue, ids) == {"reported"}


def test_a_sigterm_to_all_processes_of_a_worker_costs_no_attempt(tmp_path: Path) -> None:
    with (
        pena.Server(store=tmp_path / "q", generate=False) as server,
        pena.Queue(server.url, "images") as queue,
    ):
        ids = queue.submit({"n": n} for n in range(500))
        workers = Workers(server.url, "slow_double", "--quiet", "--processes=2")
        until(lambda: queue.stats().reported > 40, "some are reported", 60)
        for process in workers.processes():
            os.kill(process, signal.SIGTERM)
        code, _ = workers.end()
        assert code == 0
        assert queue.stats().held == 0
        assert outcomes(queue, ids) == {"reported"}


def test_a_free_worker_that_is_stopped_costs_no_attempt_while_others_submit(
    tmp_path: Path,
) -> None:
    with (
        pena.Server(store=tmp_path / "pena.lmdb", generate=False) as server,
        pena.Queue(server.url, "images") as queue,
    ):
        ids = []
        for _ in range(100):
            with pena.Worker(server.url, lambda msg: None, queues=["images"]) as worker:
                until(lambda worker=worker: worker.stats.connects, "it has a stream")
                worker.stop(wait=False)
                ids += queue.submit([1])
        pena.Worker(server.url, lambda msg: None, queues=["images"]).run(until_empty=True)
        assert outcomes(queue, ids) == {"reported"}


def test_a_process_that_dies_is_started_again_and_its_msg_is_sent_again(tmp_path: Path) -> None:
    with (
        pena.Server(store=tmp_path / "q", generate=False, drop_grace=3.5) as server,
        pena.Queue(server.url, "images") as queue,
    ):
        ids = queue.submit({"n": n} for n in range(2))
        workers = Workers(server.url, "dies", "--processes=2")
        waited = queue.wait(ids, timeout=60)
        assert len(waited.done) == 2
        assert outcomes(queue, ids) == {"dropped", "reported"}
        code, said = workers.end()
        assert code == 0
        assert "ended with exit code 3, so it is started again" in said


def test_the_processes_of_a_worker_that_is_killed_end(tmp_path: Path) -> None:
    with pena.Server(store=tmp_path / "q", generate=False) as server:
        workers = Workers(server.url, "double", "--processes=2", "--quiet")
        until(lambda: len(workers.processes()) == 2, "they are there")
        there = workers.processes()
        workers.end(signal.SIGKILL)
        until(lambda: not any(Path(f"/proc/{one}").exists() for one in there), "they are gone")


def test_the_command_ends_when_the_queues_are_empty_and_shows_how_far_it_is(
    tmp_path: Path,
) -> None:
    with (
        pena.Server(store=tmp_path / "q", generate=False) as server,
        pena.Queue(server.url, "images") as queue,
    ):
        queue.submit({"n": n} for n in range(50))
        workers = Workers(server.url, "double", "--processes=2", "--until-empty", "--progress")
        _, said = workers.process.communicate(timeout=60)
        assert workers.process.returncode == 0
        assert "50 done, 0 failed" in said
        assert queue.stats().reported == 50


@pytest.mark.parametrize("processes", [1, 2])
def test_on_a_terminal_what_is_logged_stands_above_how_far_it_is(
    server: pena.Server, processes: int
) -> None:
    with pena.Queue(server.url, "images") as queue:
        queue.submit(range(100), max_resends=0)
    terminal, theirs = pty.openpty()
    options = ["--url", server.url, "--queue=images", "--until-empty", "--progress"]
    handler = "support.handlers:fails_slowly"
    command = [sys.executable, "-m", "pena.worker", handler, f"--processes={processes}", *options]
    with subprocess.Popen(command, cwd=HERE, env=quiet_environment(), stderr=theirs) as works:
        os.close(theirs)
        said = "".join(lines_of(terminal))
    os.close(terminal)
    assert works.returncode == 0
    assert re.search(r"\d failed, .*/s\r\x1b\[2K\d{4}-.*: it failed", said), said
    begins = [found.start() for found in re.finditer(r"\d{4}-\d\d-\d\d \d\d:", said)]
    assert len(begins) >= 100
    for begin in begins:
        assert said[:begin].endswith(("\r\x1b[2K", "\n")) or begin == 0, said[begin - 50 : begin]


def lines_of(terminal: int) -> Iterator[str]:
    """What comes there, as long as somebody has its other side."""
    with suppress(OSError):
        while read := os.read(terminal, 65536):
            yield read.decode()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["double"], "with 1 thread,"),
        (["double", "--threads=4"], "with 4 threads,"),
        (["double", "-p", "2", "-q", "mail"], "of images, mail from .* with 2 processes with 1 t"),
        (["slow_double_in_a_task", "-p", "2"], "with 2 processes with 100 tasks each, as "),
        (["double", "--name=img-1"], "as img-1$"),
    ],
)
def test_the_command_says_what_it_takes_from_where(
    server: pena.Server, options: list[str], words: str
) -> None:
    handler, *more = options
    for name in ("images", "mail"):
        with pena.Queue(server.url, name) as queue:
            queue.submit([{"n": 1}])
    _, said = Workers(server.url, handler, "--until-empty", *more).ended()
    [line] = [line for line in said.splitlines() if "takes msgs of" in line]
    first = f"INFO pena.worker: support.handlers:{handler} takes msgs of images.* from {server.url}"
    assert re.search(first, line)
    assert re.search(words, line)
    _, said = Workers(server.url, handler, "--until-empty", "--quiet", *more).ended()
    assert said == ""


def test_the_url_may_stand_in_the_environment(
    server: pena.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what is given goes before it. An empty one says nothing, as for the other commands."""
    monkeypatch.chdir(HERE)
    command = [sys.executable, "-m", "pena.worker", "support.handlers:double", "--until-empty"]
    told = run("env", f"PENA_URL={server.url}", *command)
    assert f"takes msgs of default from {server.url} " in told.stderr
    told = run("env", "PENA_URL=http://127.0.0.1:1", *command, f"--url={server.url}")
    assert f"takes msgs of default from {server.url} " in told.stderr
    told = run("env", "PENA_URL=", *command, "--help")
    assert "http://127.0.0.1:8080" in told.stdout


@pytest.mark.parametrize("processes", [1, 2])
def test_a_queue_that_may_be_misspelt_is_said(server: pena.Server, processes: int) -> None:
    """Once, whoever waits for it to be empty; it would be silently so."""
    with pena.Queue(server.url, "mail") as queue:
        queue.submit([{"n": 1}])
    options = ["--until-empty", "--quiet", f"--processes={processes}", "--queue=mail"]
    code, said = Workers(server.url, "double", *options).ended()
    sentence = f"{server.url} has nothing of the queue images, and nobody takes from it: it may be"
    assert code == 0
    assert said.count("\n") == 1
    assert sentence in said


def test_the_command_names_all_that_a_worker_takes() -> None:
    ran = run(sys.executable, "-m", "pena.worker", "--help")
    assert ran.returncode == 0
    settings = set(inspect.signature(pena.Worker).parameters) - {"url", "handler", "queues"}
    for name in sorted(settings):
        assert f"--{name.replace('_', '-')}" in ran.stdout
    assert "default 0.1" in ran.stdout  # of --backoff-first
    assert "--queue" in ran.stdout


def test_the_command_works_where_nobody_reads_how_far_it_is(tmp_path: Path) -> None:
    with serving(tmp_path) as (server, queue):
        ids = queue.submit({"n": n} for n in range(5))
        options = ["--url", server.url, "--queue=images", "--until-empty", "--progress"]
        command = [sys.executable, "-m", "pena.worker", "support.handlers:double", *options]
        ran = subprocess.run(
            ["/bin/sh", "-c", 'exec "$@" 2>&-', "sh", *command],
            cwd=HERE,
            env=quiet_environment(),
            timeout=TIMEOUT,
            check=False,
        )
        assert ran.returncode == 0
        assert len(queue.wait(ids, timeout=0).done) == 5


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("name", ["HopelessError", "OSError", "pena.Fail"])
def test_an_exception_is_that_of_the_handlers_module(
    server: pena.Server, name: str, processes: int
) -> None:
    """One of a module that it imports, too, and before Python's own."""
    with pena.Queue(server.url, "images") as queue:
        [id] = queue.submit([name if name != "pena.Fail" else "HopelessError"], max_resends=0)
        options = ["--until-empty", f"--processes={processes}", f"--never-retry={name}"]
        workers = Workers(server.url, "raises_its_own", *options)
        code, said = workers.ended()
        assert code == 0
        [record] = queue.wait([id]).failed
        assert record.errors[0].endswith(": no")
        assert ("it has failed\n" in said) == (name != "pena.Fail"), said


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["double"], "expected MODULE:NAME"),
        (["nowhere:double"], "there is no module 'nowhere'"),
        (["support.handlers:no"], "'support.handlers' has no 'no'"),
        (["support.handlers_that_raise:no"], "its module raised ZeroDivisionError("),
        (
            ["support.handlers:double", "--never-retry=No"],
            "neither 'support.handlers', the module of the handler, nor Python itself has an",
        ),
        (["support.handlers:double", "--never-retry=json:No"], "'json' has no 'No'"),
        (["support.handlers:double", "--never-retry=double"], "never_retry cannot be <function"),
        (["support.handlers:double", "--threads=0"], "threads cannot be 0"),
        (["support.handlers:double", "--url=ftp://x"], "expected http://host:port"),
    ],
)
def test_an_option_that_cannot_be_is_named(options: list[str], sentence: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pena.worker", *options],
        cwd=HERE,
        env=quiet_environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert ran.returncode == 2
    assert sentence in ran.stderr
