"""Fixtures of all scenarios."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.site import Site

# pip puts the command `pena` beside the Python that it installs for, also where the virtual
# environment is not active. Of a build that is not installed, PENA_BIN says where it is.
BIN = os.environ.pop("PENA_BIN", None) or str(Path(sys.executable).parent)
os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """One store with its servers and clients; the conservation law is checked at the end."""
    site = Site(tmp_path)
    try:
        yield site
    finally:
        site.end()
