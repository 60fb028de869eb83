"""No id is given twice, whatever the process id and the clock are."""

from __future__ import annotations

import fcntl
import os
import signal
from pathlib import Path

import pytest

from support.process import run, works
from support.site import Site
from support.stream import post

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
AS_PROCESS_1 = ("unshare", "--pid", "--fork", "--kill-child")


@pytest.mark.skipif(
    not FAKETIME.exists() or "LD_PRELOAD" in os.environ or not works(*AS_PROCESS_1, "true"),
    reason="needs process ids of its own and libfaketime",
)
def test_runs_as_process_1_within_one_second_share_no_id(site: Site) -> None:
    seen: list[str] = []
    for clock in ("2026-01-01 00:00:00", "2026-01-01 00:00:00", "2025-12-31 23:59:59"):
        stands_still = (f"LD_PRELOAD={FAKETIME}", f"FAKETIME={clock}", "DONT_FAKE_MONOTONIC=1")
        command = (*AS_PROCESS_1, "env", *stands_still, "pena", "server")
        server = site.process("--no-generate", command=command)
        for _ in range(5):
            body = [{"period": 1}] * 2000
            seen += post(server.url, "/task", body, 201)["ids"]
        server.stop(signal.SIGKILL)
        with (site.store / "pena.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # until the killed process is gone
    assert seen == sorted(set(seen))
    site.submitted.update(seen)
    assert list(site.server(generate=False).queue) == seen


@pytest.mark.skipif(
    not FAKETIME.exists() or "LD_PRELOAD" in os.environ,
    reason="needs libfaketime",
)
def test_a_clock_past_the_end_of_ids_is_refused_and_changes_nothing(site: Site) -> None:
    fake = (f"LD_PRELOAD={FAKETIME}", "FAKETIME=2106-02-07 06:00:00", "DONT_FAKE_MONOTONIC=1")
    command = ("pena", "server", "--listen", "127.0.0.1:0", "--store", str(site.store))
    refused = run("env", *fake, *command)
    assert refused.returncode == 2
    assert "the clock of this machine says" in refused.stderr
    assert "expected a date before 2100" in refused.stderr
    assert not site.store.exists()
