"""RQ: the handler, and how msgs are submitted."""

from __future__ import annotations

from redis import Redis
from rq import Queue

import stamps

_redis = Redis(port=stamps.PORT)
_queue = Queue(connection=_redis)
_AT_ONCE = 1_000


def empty(submitted_at: int) -> None:
    """Do nothing."""
    stamps.begun(submitted_at)


def submit_one(submitted_at: int) -> None:
    """Submit one msg."""
    _queue.enqueue(empty, submitted_at)


def submit_many(msgs: int) -> None:
    """Submit so many."""
    for first in range(0, msgs, _AT_ONCE):
        count = min(_AT_ONCE, msgs - first)
        _queue.enqueue_many([Queue.prepare_data(empty, (0,)) for _ in range(count)])


def unacknowledged() -> int:
    """Count the msgs that wait, are on their way to a worker, or are with one."""
    pipeline = _redis.pipeline()
    pipeline.llen(_queue.key)
    pipeline.llen(_queue.intermediate_queue_key)
    pipeline.zcard(_queue.started_job_registry.key)
    return sum(pipeline.execute())
