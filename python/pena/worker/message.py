"""`Msg`: a msg that a handler works on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any


class Msg:
    """A msg that a handler works on. It may be read from any thread."""

    __slots__ = (
        "_cancelled",
        "_ends_at",
        "attempt",
        "id",
        "key",
        "last_attempt",
        "name",
        "payload",
        "queue",
    )

    id: str
    """An xid: 20 characters."""
    key: str
    """Its natural name; empty: none."""
    queue: str
    """The queue that it was submitted to."""
    payload: Any
    """What was submitted: any JSON, as Python has it. None: nothing."""
    attempt: int
    """Which delivery this is: 1, 2, …"""
    last_attempt: bool
    """Whether the msg fails for good if this attempt does."""
    name: str
    """The worker's name."""

    def __init__(
        self, data: bytes, *, name: str, timeout: float | None, cancelled: Callable[[], bool]
    ) -> None:
        """Read it out of an event's data. Workers make msgs; handlers get them."""
        said = json.loads(data)
        self.id = said["id"]
        self.key = said.get("key", "")
        self.queue = said.get("queue", "default")
        self.payload = said.get("payload")
        self.attempt = said.get("attempt", 1)
        self.last_attempt = said.get("last_attempt", False)
        self.name = name
        self._ends_at = None if timeout is None else time.monotonic() + timeout
        self._cancelled = cancelled

    def __repr__(self) -> str:
        """Name it."""
        key = f" key={self.key!r}" if self.key else ""
        return f"<pena.Msg {self.id} of {self.queue}{key} attempt={self.attempt}>"

    @property
    def cancelled(self) -> bool:
        """Whether the work may as well end.

        Somebody else may be sent the msg: the stream to the server is lost, or the lease could
        not be kept. What the handler returns is still reported, and counts where nobody else was
        sent it. Or the worker does not wait for it any more. It may become False again, where the
        same msg comes back while it is worked on.
        """
        return self._cancelled()

    @property
    def time_left(self) -> float | None:
        """Seconds until the worker's `timeout`, at least 0; None where it has none.

        What `requests`, `urllib` or a socket take as a timeout.
        """
        return None if self._ends_at is None else max(self._ends_at - time.monotonic(), 0.0)
