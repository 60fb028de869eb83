"""Fixtures of all scenarios."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """One store with its servers and clients; the conservation law is checked at the end."""
    site = Site(tmp_path)
    try:
        yield site
    finally:
        site.end()
