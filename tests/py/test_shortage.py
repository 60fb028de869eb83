"""Processes that run out of memory or of threads end with a sentence."""

import resource
import subprocess

import pytest

from support.process import TIMEOUT, quiet_environment

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
