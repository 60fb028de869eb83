"""`Story`: what became of one msg, wherever it is now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from pena.records import Batch, FailRecord, Miss, MissReason, QueuedMsg, ReportRecord


class State(str, Enum):
    """Where a msg is."""

    queued = "queued"
    """It waits for a client."""
    later = "later"
    """It is not to be sent before a date: so it was submitted, or it comes back after a backoff."""
    held = "held"
    """A client has it, in a batch that is not settled."""
    reported = "reported"
    """It was processed."""
    failed = "failed"
    """Its last attempt was missed."""


class Outcome(str, Enum):
    """What became of a delivery."""

    held = "held"
    """A client has it still."""
    reported = "reported"
    """In a report: the msg was processed."""
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
class Delivery:
    """One delivery of a msg."""

    batch: str
    client: str
    name: str
    """What the client calls itself; empty: nothing."""
    granted_at: datetime
    ended_at: datetime | None
    """None while the client has it."""
    outcome: Outcome
    error: str
    """What the client said of it, where it failed; empty otherwise."""

    @property
    def why(self) -> str:
        """As `Miss.why`, where it was missed; empty where it was reported, or is held."""
        reason = MissReason.__members__.get(self.outcome.value)
        return "" if reason is None else self.error or reason.words

    @classmethod
    def _missed(cls, miss: Miss) -> Delivery:
        return cls(
            miss.batch,
            miss.client,
            miss.name,
            miss.granted_at,
            miss.missed_at,
            Outcome(miss.reason.value),
            miss.error,
        )

    @classmethod
    def _held(cls, batch: Batch) -> Delivery:
        return cls(batch.id, batch.client, batch.name, batch.granted_at, None, Outcome.held, "")

    @classmethod
    def _reported(cls, record: ReportRecord) -> Delivery:
        return cls(
            record.batch,
            record.client,
            record.name,
            record.granted_at,
            record.reported_at,
            Outcome.reported,
            "",
        )


@dataclass(frozen=True)
class Story:
    """What is known of one msg."""

    id: str
    state: State
    queue: str
    key: str
    """What it is called by whoever submitted it; empty: nothing."""
    period: int
    """Milliseconds."""
    payload: Any
    """None where it has none, and where it is reported: then nobody knows it any more."""
    result: Any
    """What came out of it; None where it is not reported, or nothing was said."""
    accepted_at: datetime
    due_at: datetime | None
    """Where its state is `later`: not before this it is sent."""
    settled_at: datetime | None
    """When it was reported, or failed; None before."""
    attempts: int
    """How often it was sent, since it was accepted or retried. Where it waits that is one less than
    the `attempt` that ``GET /task/<id>`` tells: the number of the delivery to come."""
    deliveries: tuple[Delivery, ...]
    """All that are known, also those before a retry, the oldest first."""

    @property
    def errors(self) -> tuple[str, ...]:
        """The error of each delivery that was missed, the oldest first; empty: none was said."""
        missed = (each for each in self.deliveries if each.outcome.value in MissReason.__members__)
        return tuple(each.error for each in missed)

    @classmethod
    def _waiting(cls, msg: QueuedMsg) -> Story:
        state = State.queued if msg.due_at is None else State.later
        return cls._of_msg(msg, state, msg.attempts, _missed(msg.misses))

    @classmethod
    def _held(cls, msg: QueuedMsg, batch: Batch) -> Story:
        deliveries = (*_missed(msg.misses), Delivery._held(batch))
        return cls._of_msg(msg, State.held, msg.attempts + 1, deliveries)

    @classmethod
    def _of_msg(
        cls, msg: QueuedMsg, state: State, attempts: int, deliveries: tuple[Delivery, ...]
    ) -> Story:
        return cls(
            id=msg.id,
            state=state,
            queue=msg.queue,
            key=msg.key,
            period=msg.period,
            payload=msg.payload,
            result=None,
            accepted_at=msg.accepted_at,
            due_at=msg.due_at,
            settled_at=None,
            attempts=attempts,
            deliveries=deliveries,
        )

    @classmethod
    def _reported(cls, record: ReportRecord) -> Story:
        return cls(
            id=record.id,
            state=State.reported,
            queue=record.queue,
            key=record.key,
            period=record.period,
            payload=None,
            result=record.result,
            accepted_at=record.accepted_at,
            due_at=None,
            settled_at=record.reported_at,
            attempts=record.attempts,
            deliveries=(*_missed(record.misses), Delivery._reported(record)),
        )

    @classmethod
    def _failed(cls, record: FailRecord) -> Story:
        return cls(
            id=record.id,
            state=State.failed,
            queue=record.queue,
            key=record.key,
            period=record.period,
            payload=record.payload,
            result=None,
            accepted_at=record.accepted_at,
            due_at=None,
            settled_at=record.failed_at,
            attempts=record.attempts,
            deliveries=_missed(record.misses),
        )


def _missed(misses: tuple[Miss, ...]) -> tuple[Delivery, ...]:
    return tuple(Delivery._missed(miss) for miss in misses)
