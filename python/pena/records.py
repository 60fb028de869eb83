"""What the store keeps of a message. Every instant is a datetime in UTC."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pena import _pena


class MissReason(str, Enum):
    """Why a message that was sent came back without a report."""

    omitted = "omitted"
    """Its batch was settled by a report that left it out."""
    failed = "failed"
    """The report said that it failed."""
    refused = "refused"
    """The client had no room for it."""
    dropped = "dropped"
    """The client's stream was lost, and the grace is over."""
    expired = "expired"
    """The lease ended, and the grace is over."""


@dataclass(frozen=True)
class Miss:
    """One attempt that did not end in a report."""

    batch: str
    client: str
    granted_at: datetime
    missed_at: datetime
    reason: MissReason
    error: str

    @classmethod
    def _of(cls, native: _pena.Miss) -> Miss:
        return cls(
            native.batch,
            native.client,
            native.granted_at,
            native.missed_at,
            MissReason(native.reason),
            native.error,
        )


def _misses(natives: list[_pena.Miss]) -> tuple[Miss, ...]:
    return tuple(Miss._of(native) for native in natives)


def _payload(text: str) -> Any:
    return json.loads(text) if text else None


@dataclass(frozen=True)
class QueuedMsg:
    """A message that waits, or that a batch holds."""

    id: str
    period: int
    """Milliseconds."""
    payload: Any
    accepted_at: datetime
    queued_at: datetime
    """When it began to wait: accepted_at, or the last miss."""
    misses: tuple[Miss, ...]

    @property
    def attempt(self) -> int:
        """The number of the delivery that runs or comes next, from 1."""
        return len(self.misses) + 1

    @classmethod
    def _of(cls, native: _pena.QueuedMsg) -> QueuedMsg:
        return cls(
            native.id,
            native.period,
            _payload(native.payload),
            native.accepted_at,
            native.queued_at,
            _misses(native.misses),
        )


@dataclass(frozen=True)
class Batch:
    """What one client was sent together and has not settled yet."""

    id: str
    client: str
    granted_at: datetime
    msgs: tuple[QueuedMsg, ...]

    @classmethod
    def _of(cls, native: _pena.Batch) -> Batch:
        msgs = tuple(QueuedMsg._of(msg) for msg in native.msgs)
        return cls(native.id, native.client, native.granted_at, msgs)


@dataclass(frozen=True)
class ReportRecord:
    """A processed message, with the attempts before the one that was reported."""

    id: str
    period: int
    """Milliseconds."""
    batch: str
    client: str
    accepted_at: datetime
    granted_at: datetime
    reported_at: datetime
    misses: tuple[Miss, ...]

    @property
    def attempts(self) -> int:
        """How often it was sent."""
        return len(self.misses) + 1

    @classmethod
    def _of(cls, native: _pena.ReportRecord) -> ReportRecord:
        return cls(
            native.id,
            native.period,
            native.batch,
            native.client,
            native.accepted_at,
            native.granted_at,
            native.reported_at,
            _misses(native.misses),
        )


@dataclass(frozen=True)
class FailRecord:
    """A failed message: whole, with every attempt."""

    id: str
    period: int
    """Milliseconds."""
    payload: Any
    accepted_at: datetime
    failed_at: datetime
    misses: tuple[Miss, ...]

    @property
    def attempts(self) -> int:
        """How often it was sent."""
        return len(self.misses)

    @classmethod
    def _of(cls, native: _pena.FailRecord) -> FailRecord:
        return cls(
            native.id,
            native.period,
            _payload(native.payload),
            native.accepted_at,
            native.failed_at,
            _misses(native.misses),
        )
