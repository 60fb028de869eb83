"""Processes that run out of memory, threads or files end with a sentence, or wait for more."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import pena
from support.poll import until
from support.process import TIMEOUT, quiet_environment
from support.workers import HERE, Workers

MEMORY = 600 << 20


def cap_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


@pytest.mark.capped
def test_more_threads_than_the_memory_has_room_for() -> None:
    run = subprocess.run(
        ["pena", "sim", "--jobs", "1000", "--seeds", "1000000"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
        env=quiet_environment(),
        preexec_fn=cap_memory,
    )
    assert run.returncode == 1, run.stderr
    assert run.stderr.startswith("pena: "), run.stderr
    assert len(run.stderr.splitlines()) == 1, run.stderr


def run_worker(*options: str, limit: int, most: int) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "pena.worker", "support.handlers:double", *options],
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
        env=quiet_environment(),
        preexec_fn=lambda: resource.setrlimit(limit, (most, most)),
    )


@pytest.mark.parametrize("files", [5, 8, 12])
def test_more_processes_of_a_worker_than_there_are_files_for(files: int) -> None:
    ran = run_worker("--processes=8", limit=resource.RLIMIT_NOFILE, most=files)
    assert ran.returncode == 2, ran.stderr
    assert "of the 8 of the worker cannot start: Too many open files; expected room" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.capped
def test_more_threads_of_a_worker_than_the_memory_has_room_for() -> None:
    ran = run_worker("--threads=9000", limit=resource.RLIMIT_AS, most=2 * MEMORY)
    assert ran.returncode == 2, ran.stderr
    assert "of the 9000 of the worker cannot start: " in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_process_that_has_no_room_for_a_while_is_started_later(server: pena.Server) -> None:
    with pena.Queue(server.url, "images") as queue:
        workers = Workers(server.url, "double", "--processes=2")
        until(lambda: queue.stats().clients == 2, "both take msgs")
        parent = workers.process.pid
        enough = resource.prlimit(parent, resource.RLIMIT_NOFILE)
        highest = max(int(file.name) for file in Path(f"/proc/{parent}/fd").iterdir())
        resource.prlimit(parent, resource.RLIMIT_NOFILE, (highest + 1, enough[1]))
        os.kill(workers.processes()[0], signal.SIGKILL)
        workers.hear_log("cannot start, and is tried again: Too many open files")
        resource.prlimit(parent, resource.RLIMIT_NOFILE, enough)
        until(lambda: len(workers.processes()) == 2, "it is started")
        ids = queue.submit({"n": n} for n in range(100))
        assert len(queue.wait(ids).done) == 100
        code, _ = workers.end()
        assert code == 0
