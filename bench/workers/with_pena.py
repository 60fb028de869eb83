"""Pena: the handlers, and how msgs are submitted."""

from __future__ import annotations

import pena
import stamps

_queue = pena.Queue(f"http://127.0.0.1:{stamps.PORT}")


def empty(msg: pena.Msg) -> None:
    """Do nothing."""
    stamps.begun(msg.payload)


async def empty_async(msg: pena.Msg) -> None:
    """Do nothing."""
    stamps.begun(msg.payload)


def submit_one(submitted_at: int) -> None:
    """Submit one msg."""
    _queue.submit_one(submitted_at)


def submit_many(msgs: int) -> None:
    """Submit so many."""
    _queue.submit(0 for _ in range(msgs))


def unacknowledged() -> int:
    """Count the msgs that nobody has reported."""
    stats = _queue.stats()
    return stats.queued + stats.later + stats.held
