"""`pena check` beside servers that come and go: it takes nothing that they do for damage."""

from __future__ import annotations

import signal
import subprocess
import threading

import pytest

from support.poll import until
from support.process import run
from support.site import Site


@pytest.mark.parametrize("options", [(), ("--log-size=64KiB", "--apply-every=2s")])
def test_servers_that_start_behind_a_crash(site: Site, options: tuple[str, ...]) -> None:
    site.process().stop()
    checks: list[subprocess.CompletedProcess[str]] = []
    over = threading.Event()

    def check() -> None:
        while not over.is_set():
            checks.append(run("pena", "check", str(site.store)))

    checking = threading.Thread(target=check)
    checking.start()
    try:
        for _ in range(5):
            before = len(checks)
            server = site.process(*options)
            load = run("pena", "bench", "--url", server.url, "--duration=100ms", "--warmup=0ms")
            assert load.returncode == 0, load.stderr
            until(lambda least=before: len(checks) > least + 1, "the store is checked meanwhile")
            server.stop(signal.SIGKILL)
    finally:
        over.set()
        checking.join()
    assert [told.stdout + told.stderr for told in checks if told.returncode != 0] == []
