"""Starting `pena work`, and what its server has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.cli import Running
from support.site import PATIENT, Site
from support.stream import get, post

Work = Callable[..., Running]


def times_of(settings: dict[str, float]) -> list[str]:
    """Return the options of a server with these times."""
    return [f"--{name.replace('_', '-')}={int(time * 1000)}ms" for name, time in settings.items()]


TIMES = times_of(PATIENT)
QUICK = "--retry-first=10ms", "--retry-factor=1"


class Works:
    """Starts `pena work`; each ends before its server does."""

    def __init__(self, folder: Path, site: Site) -> None:
        self._folder, self._site = folder, site
        self._started = 0

    def start(self, url: str, *words: str) -> Running:
        """Start one."""
        self._started += 1
        folder = self._folder / f"work-{self._started}"
        return self._site.until_the_end(
            Running(folder, "work", "--url", url, *words), Running.close
        )


def submit(
    site: Site, url: str, payloads: list[Any], queue: str = "default", **more: Any
) -> list[str]:
    """Submit a msg a payload; return their ids."""
    msgs = [{"payload": payload, **more} for payload in payloads]
    ids: list[str] = post(url, f"/task?queue={queue}", msgs, 201)["ids"]
    site.submitted.update(ids)
    return ids


def records(url: str, bucket: str) -> dict[str, dict[str, Any]]:
    """Return the first page of a bucket, by id."""
    return {record["id"]: record for record in get(url, f"/{bucket}?records=1")["records"]}
