"""How a worker has ended, and what it has done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import Enum


class WorkerEndReason(str, Enum):
    """Why a worker has ended."""

    stopped = "stopped"
    """`stop()` was called, or a signal came."""
    empty = "empty"
    """Its queues are empty."""
    msgs_done = "msgs_done"
    """It has worked on `max_msgs`."""
    refused = "refused"
    """The server answered with an error that a retry does not mend."""


@dataclass(frozen=True)
class WorkerStats:
    """What a worker has done so far; of several processes, all of them together."""

    received: int = 0
    """Msgs that came."""
    begun: int = 0
    """Msgs that were begun."""
    done: int = 0
    """Msgs whose work ended well."""
    failed: int = 0
    """Msgs whose work failed, or took too long."""
    timed_out: int = 0
    """Msgs whose work took too long."""
    given_back: int = 0
    """Msgs that were given back."""
    reported: int = 0
    """Outcomes that the server took."""
    too_late: int = 0
    """Outcomes that the server did not take, for their batch was over."""
    lost: int = 0
    """Batches whose stream was lost, or whose lease was over."""
    connects: int = 0
    """Streams that began."""
    ignored: int = 0
    """Events that were no msg."""
    running: int = 0
    """Msgs that are worked on, now."""

    @classmethod
    def _sum(cls, parts: Iterable[WorkerStats]) -> WorkerStats:
        several = list(parts)
        names = [field.name for field in fields(cls)]
        return cls(**{name: sum(getattr(one, name) for one in several) for name in names})


@dataclass(frozen=True)
class WorkerEnd:
    """How a worker has ended."""

    reason: WorkerEndReason
    text: str
    """One sentence for a person."""
    stats: WorkerStats
