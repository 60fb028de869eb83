"""What the store keeps of a msg. Every instant is a datetime in UTC."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pena import _pena


class MissReason(str, Enum):
    """Why a msg that was sent came back without a report."""

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

    @property
    def words(self) -> str:
        """What it means for the msg, where the client said no error."""
        return _IN_WORDS[self.value]


_IN_WORDS = {
    "omitted": "no word of it: its batch was reported without it",
    "failed": "it failed, and its client did not say why",
    "refused": "its client had no room for it",
    "dropped": "no report: the stream of its client was lost",
    "expired": "no report: its lease ran out",
}


@dataclass(frozen=True)
class Miss:
    """One attempt that did not end in a report."""

    batch: str
    client: str
    name: str
    """What the client calls itself; empty: nothing."""
    granted_at: datetime
    missed_at: datetime
    reason: MissReason
    error: str
    """What the client said of it, where it failed; empty: nothing, as of one that was killed."""

    @property
    def why(self) -> str:
        """What became of it, in words: the error, or what the reason means where there is none."""
        return self.error or self.reason.words

    @classmethod
    def _of(cls, native: _pena.Miss) -> Miss:
        return cls(
            native.batch,
            native.client,
            native.name,
            native.granted_at,
            native.missed_at,
            MissReason(native.reason),
            native.error,
        )


def _misses(natives: list[_pena.Miss]) -> tuple[Miss, ...]:
    return tuple(Miss._of(native) for native in natives)


def _json(text: str) -> Any:
    return json.loads(text) if text else None


NameOf = Callable[[int], str]
"""Gives the name of a queue for its number."""


@dataclass(frozen=True)
class QueuedMsg:
    """A msg that waits, or that a batch holds."""

    id: str
    queue: str
    key: str
    """What it is called by whoever submitted it, unique in its queue; empty: nothing."""
    period: int
    """Milliseconds."""
    payload: Any
    max_resends: int | None
    """How often it may be sent again; None: as often as the server's `max_resends` says."""
    accepted_at: datetime
    queued_at: datetime
    """When it began to wait for a client, or will: accepted_at, the last miss, or the date before
    which it was not to be sent."""
    due_at: datetime | None
    """Of a msg in `later`: not before this it is sent. None elsewhere."""
    attempts: int
    """How often it was sent and missed, since it was accepted or retried: 0 of a new one, and also
    of one that is held for the first time. `attempt` is what HTTP tells."""
    misses: tuple[Miss, ...]
    """What became of each delivery so far, also of those before a retry, the oldest first."""

    @property
    def attempt(self) -> int:
        """The number of the delivery that runs or comes next, from 1."""
        return self.attempts + 1

    @classmethod
    def _of(cls, native: _pena.QueuedMsg, name_of: NameOf, *, later: bool = False) -> QueuedMsg:
        return cls(
            native.id,
            name_of(native.queue),
            native.key,
            native.period,
            _json(native.payload),
            native.max_resends,
            native.accepted_at,
            native.queued_at,
            native.queued_at if later else None,
            native.attempts,
            _misses(native.misses),
        )

    @classmethod
    def _of_later(cls, native: _pena.QueuedMsg, name_of: NameOf) -> QueuedMsg:
        return cls._of(native, name_of, later=True)


@dataclass(frozen=True)
class Batch:
    """What one client was sent together and has not settled yet."""

    id: str
    client: str
    name: str
    """What the client calls itself; empty: nothing."""
    granted_at: datetime
    msgs: tuple[QueuedMsg, ...]

    @classmethod
    def _of(cls, native: _pena.Batch, name_of: NameOf) -> Batch:
        msgs = tuple(QueuedMsg._of(msg, name_of) for msg in native.msgs)
        return cls(native.id, native.client, native.name, native.granted_at, msgs)


@dataclass(frozen=True)
class ReportRecord:
    """A processed msg, with the attempts before the one that was reported."""

    id: str
    queue: str
    key: str
    """What it is called by whoever submitted it; empty: nothing."""
    period: int
    """Milliseconds."""
    max_resends: int | None
    """How often it might have been sent again; None: as often as the server allowed."""
    batch: str
    client: str
    name: str
    """What the client calls itself; empty: nothing."""
    accepted_at: datetime
    granted_at: datetime
    reported_at: datetime
    result: Any
    """What came out of it, as the report said; None where it said nothing."""
    attempts: int
    """How often it was sent, since it was accepted or retried."""
    misses: tuple[Miss, ...]

    @classmethod
    def _of(cls, native: _pena.ReportRecord, name_of: NameOf) -> ReportRecord:
        return cls(
            native.id,
            name_of(native.queue),
            native.key,
            native.period,
            native.max_resends,
            native.batch,
            native.client,
            native.name,
            native.accepted_at,
            native.granted_at,
            native.reported_at,
            _json(native.result),
            native.attempts,
            _misses(native.misses),
        )


@dataclass(frozen=True)
class FailRecord:
    """A failed msg: whole, with every attempt."""

    id: str
    queue: str
    key: str
    """What it is called by whoever submitted it; empty: nothing."""
    period: int
    """Milliseconds."""
    payload: Any
    max_resends: int | None
    """How often it might be sent again; None: as often as the server allowed."""
    accepted_at: datetime
    failed_at: datetime
    attempts: int
    """How often it was sent, since it was accepted or retried."""
    misses: tuple[Miss, ...]

    @property
    def errors(self) -> tuple[str, ...]:
        """The error of each miss, the oldest first; empty where the client said none: see `why`."""
        return tuple(miss.error for miss in self.misses)

    @property
    def why(self) -> str:
        """What became of the last attempt, in words, also where its client said nothing."""
        return self.misses[-1].why if self.misses else ""

    @classmethod
    def _of(cls, native: _pena.FailRecord, name_of: NameOf) -> FailRecord:
        return cls(
            native.id,
            name_of(native.queue),
            native.key,
            native.period,
            _json(native.payload),
            native.max_resends,
            native.accepted_at,
            native.failed_at,
            native.attempts,
            _misses(native.misses),
        )
