"""procrastinate: the handler, and how msgs are submitted."""

from __future__ import annotations

import procrastinate
import psycopg

import stamps

_URL = f"postgresql://postgres@127.0.0.1:{stamps.PORT}/postgres"
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=_URL))
_AT_ONCE = 1_000


def _empty(submitted_at: int) -> None:
    stamps.begun(submitted_at)


async def _empty_async(submitted_at: int) -> None:
    stamps.begun(submitted_at)


empty = app.task(name="empty")(_empty_async if stamps.COROUTINES else _empty)


class _Connection:
    # Of producers alone: a worker imports this module, too.
    _open: psycopg.Connection | None = None

    @classmethod
    def get(cls) -> psycopg.Connection:
        if cls._open is None:
            cls._open = psycopg.connect(_URL, autocommit=True)
        return cls._open


def prepare() -> None:
    """Connect, and make the tables where there are none."""
    app.open()
    there = _Connection.get().execute("SELECT to_regclass('procrastinate_jobs')").fetchone()
    if there == (None,):
        app.schema_manager.apply_schema()


def submit_one(submitted_at: int) -> None:
    """Submit one msg."""
    empty.defer(submitted_at=submitted_at)


def submit_many(msgs: int) -> None:
    """Submit so many."""
    for first in range(0, msgs, _AT_ONCE):
        count = min(_AT_ONCE, msgs - first)
        empty.batch_defer(*[{"submitted_at": 0}] * count)


def unacknowledged() -> int:
    """Count what waits or is worked on."""
    counted = "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
    row = _Connection.get().execute(counted).fetchone()
    return row[0] if row else 0
