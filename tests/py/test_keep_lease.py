"""Workers in several languages keep the lease of a job that takes longer than it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.pages import ROOT, blocks
from support.poll import until
from support.process import foreign_environment
from support.site import LESS_PATIENT, Site
from support.stream import get

FOLDER = ROOT / "examples/keep_lease"
PAGE = "docs/workers.md"


def built(file: str, *command: str) -> Callable[[Path, str], list[str]]:
    """Return how to compile it into a folder, which gives its command."""

    def build(folder: Path, url: str) -> list[str]:
        program = str(folder / "worker")
        subprocess.run(
            [*command, "-o", program, str(FOLDER / file)], check=True, env=foreign_environment()
        )
        return [program, url]

    return build


def as_it_is(file: str, *command: str) -> Callable[[Path, str], list[str]]:
    return lambda _, url: [*command, str(FOLDER / file), url]


WORKERS = {
    "worker.sh": as_it_is("worker.sh", "bash"),
    "worker.py": as_it_is("worker.py", "python3"),
    "worker.mjs": as_it_is("worker.mjs", "node"),
    "worker.go": built("worker.go", "go", "build"),
    "Worker.java": as_it_is("Worker.java", "java"),
    "worker.rs": built("worker.rs", "rustc", "--edition", "2021"),
}
NEEDS = {
    "worker.sh": "curl",
    "worker.py": "python3",
    "worker.mjs": "node",
    "worker.go": "go",
    "Worker.java": "java",
    "worker.rs": "rustc",
}
LEASE = 1.5
each_worker = pytest.mark.parametrize("file", WORKERS)


def start(file: str, folder: Path, url: str) -> subprocess.Popen[str]:
    """Start a worker, or skip the test where its language is not installed."""
    if shutil.which(NEEDS[file]) is None:
        pytest.skip(f"{NEEDS[file]} is not installed")
    command = WORKERS[file](folder, url.removeprefix("http://") if file == "worker.rs" else url)
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=folder, stdout=pipe, stderr=pipe, text=True, env=foreign_environment()
    )


@each_worker
def test_a_job_longer_than_its_lease_is_reported_at_its_first_attempt(
    site: Site, tmp_path: Path, file: str
) -> None:
    server = site.server(generate=False, **{**LESS_PATIENT, "lease": LEASE})
    [id] = site.submit(server.url, int(2.5 * LEASE * 1000))
    with start(file, tmp_path, server.url) as worker:
        said, errors = worker.communicate(timeout=60)
    assert worker.returncode == 0, errors
    assert "reported" in said
    record = server.report[id]
    assert (record.attempts, record.misses) == (1, ())
    assert server.stats.clients_lost == 0


@each_worker
def test_a_worker_whose_batch_is_lost_ends_before_its_job(
    site: Site, tmp_path: Path, file: str
) -> None:
    server = site.process("--no-generate")
    site.submit(server.url, 600_000)
    with start(file, tmp_path, server.url) as worker:
        until(lambda: get(server.url, "/batch")["batches"], "it had a batch", timeout=60)
        server.stop()
        _, errors = worker.communicate(timeout=60)
    assert worker.returncode == 1, errors
    assert "ended before the job" in errors or "lost" in errors


def test_the_page_shows_the_workers() -> None:
    """PENA_REWRITE=1 writes them into the page."""
    page = ROOT / PAGE
    text = page.read_text()
    for file in WORKERS:
        mark = f"<!-- examples/keep_lease/{file} -->\n"
        assert mark in text, f"{PAGE} has no {mark}"
        before, after = text.split(mark)
        fence, _, rest = after.partition("\n")
        shown = (FOLDER / file).read_text()
        text = before + mark + fence + "\n" + shown + "```\n" + rest.split("\n```\n", 1)[1]
    if os.environ.get("PENA_REWRITE"):
        page.write_text(text)
    assert text == page.read_text(), f"{PAGE} shows others; PENA_REWRITE=1 writes them anew"
    assert len(blocks(PAGE)) == len(WORKERS) == len(list(FOLDER.iterdir()))
