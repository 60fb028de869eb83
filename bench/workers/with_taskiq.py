"""Taskiq on a stream of Redis: the handler, and how msgs are submitted."""

from __future__ import annotations

import asyncio

from redis import Redis
from taskiq_redis import RedisStreamBroker

import stamps

_URL = f"redis://127.0.0.1:{stamps.PORT}"
broker = RedisStreamBroker(_URL)
_redis = Redis.from_url(_URL, decode_responses=True)
_loop = asyncio.new_event_loop()


def _empty(submitted_at: int) -> None:
    stamps.begun(submitted_at)


async def _empty_async(submitted_at: int) -> None:
    stamps.begun(submitted_at)


empty = broker.task(task_name="empty")(_empty_async if stamps.COROUTINES else _empty)


def prepare() -> None:
    """Make the group of the workers, which are sent what comes behind it."""
    _loop.run_until_complete(broker.startup())


def submit_one(submitted_at: int) -> None:
    """Submit one msg."""
    _loop.run_until_complete(empty.kiq(submitted_at))


def unacknowledged() -> int:
    """Count what the group was not sent yet, and what it has."""
    (group,) = _redis.xinfo_groups(broker.queue_name)
    return group["lag"] + group["pending"]
