"""Celery on Redis: the handler, and how msgs are submitted."""

from __future__ import annotations

from celery import Celery
from redis import Redis

import stamps

_URL = f"redis://127.0.0.1:{stamps.PORT}/0"
app = Celery("with_celery", broker=_URL)
# Acknowledged behind the work, as with the others, so that a worker that dies loses nothing.
app.conf.update(task_acks_late=True, task_ignore_result=True)
_redis = Redis.from_url(_URL)


@app.task(name="empty")
def empty(submitted_at: int) -> None:
    """Do nothing."""
    stamps.begun(submitted_at)


def submit_one(submitted_at: int) -> None:
    """Submit one msg."""
    empty.delay(submitted_at)


def unacknowledged() -> int:
    """Count what waits, and what workers have."""
    pipeline = _redis.pipeline()
    pipeline.llen("celery")
    pipeline.hlen("unacked")
    return sum(pipeline.execute())
