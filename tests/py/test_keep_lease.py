"""Workers that take one batch, in Java and in Rust, keep the lease of a job that takes longer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support.examples import command
from support.poll import until
from support.process import foreign_environment
from support.site import LESS_PATIENT, Site
from support.stream import get

LEASE = 1.5
each_worker = pytest.mark.parametrize("language", ["java", "rust"])


def start(language: str, folder: Path, url: str) -> subprocess.Popen[str]:
    """Start a worker, or skip the test where its language is not installed."""
    server = url.removeprefix("http://") if language == "rust" else url
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*command(language, "worker", folder), server],
        cwd=folder,
        stdout=pipe,
        stderr=pipe,
        text=True,
        env=foreign_environment(),
    )


@each_worker
def test_a_job_longer_than_its_lease_is_reported_at_its_first_attempt(
    site: Site, tmp_path: Path, language: str
) -> None:
    server = site.server(generate=False, **{**LESS_PATIENT, "lease": LEASE})
    [id] = site.submit(server.url, int(2.5 * LEASE * 1000))
    with start(language, tmp_path, server.url) as worker:
        said, errors = worker.communicate(timeout=60)
    assert worker.returncode == 0, errors
    assert "reported" in said
    record = server.report[id]
    assert (record.attempts, record.misses) == (1, ())
    assert server.stats.clients_lost == 0


@each_worker
def test_a_worker_whose_batch_is_lost_ends_before_its_job(
    site: Site, tmp_path: Path, language: str
) -> None:
    server = site.process("--no-generate")
    site.submit(server.url, 600_000)
    with start(language, tmp_path, server.url) as worker:
        until(lambda: get(server.url, "/batch")["batches"], "it had a batch", timeout=60)
        server.stop()
        _, errors = worker.communicate(timeout=60)
    assert worker.returncode == 1, errors
    assert "ended before the job" in errors
