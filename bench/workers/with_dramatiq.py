"""Dramatiq: the handler, and how msgs are submitted."""

from __future__ import annotations

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware.asyncio import AsyncIO

import stamps

broker = RedisBroker(url=f"redis://127.0.0.1:{stamps.PORT}")
if stamps.COROUTINES:
    broker.add_middleware(AsyncIO())
dramatiq.set_broker(broker)


def _empty(submitted_at: int) -> None:
    stamps.begun(submitted_at)


async def _empty_async(submitted_at: int) -> None:
    stamps.begun(submitted_at)


empty = dramatiq.actor(_empty_async if stamps.COROUTINES else _empty, actor_name="empty")


def submit_one(submitted_at: int) -> None:
    """Submit one msg."""
    empty.send(submitted_at)


def unacknowledged() -> int:
    """Count the msgs that are kept: each goes with its acknowledgement."""
    return broker.client.hlen("dramatiq:default.msgs")
