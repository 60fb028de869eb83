"""Fixtures of all scenarios."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import pena
from support.put import Put, starts_put
from support.queues import KINDS
from support.site import Site
from support.work import Work, Works

# pip puts the command `pena` beside the Python that it installs for, also where the virtual
# environment is not active. Of a build that is not installed, PENA_BIN says where it is.
BIN = os.environ.pop("PENA_BIN", None) or str(Path(sys.executable).parent)
# The processes of pytest-xdist inherit it.
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Texts that are no UTF-8 are replaced: what pytest-xdist sends from process to process is."""
    report = yield
    report.sections = [
        (name, text.encode(errors="replace").decode()) for name, text in report.sections
    ]
    return report


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """One store with its servers and clients; the conservation law is checked at the end."""
    site = Site(tmp_path)
    try:
        yield site
    finally:
        site.end()


@pytest.fixture
def running() -> Iterator[ExitStack]:
    """What a scenario starts, and ends in the opposite order."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def put(running: ExitStack, tmp_path: Path) -> Put:
    """Start `pena put`."""
    return starts_put(running, tmp_path)


@pytest.fixture
def work(site: Site, tmp_path: Path) -> Work:
    """Start `pena work`."""
    return Works(tmp_path, site).start


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Any:
    """A class of queues: each test is for both."""
    return KINDS[request.param]


@pytest.fixture
def server() -> Iterator[pena.Server]:
    """A server in memory, of this process."""
    with pena.Server(generate=False) as server:
        yield server
