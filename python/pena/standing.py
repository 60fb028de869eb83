"""How a queue and its msgs stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pena.records import FailRecord, ReportRecord


@dataclass(frozen=True)
class Waited:
    """What had become of the msgs that were waited for, each in the order of the ids given."""

    done: tuple[ReportRecord, ...]
    """Reported: each with its `result`."""
    failed: tuple[FailRecord, ...]
    """Failed: each with its payload and its `errors`."""
    open: tuple[str, ...]
    """Ids of those that wait, or that a client holds: the time was up before they were settled."""
    unknown: tuple[str, ...]
    """Ids that the server does not know: never submitted, deleted, or no longer kept."""

    @property
    def results(self) -> dict[str, Any]:
        """What came out of those that are done, by id; None where the report said nothing."""
        return {record.id: record.result for record in self.done}


@dataclass(frozen=True)
class QueueStats:
    """How a queue stands at one moment."""

    queue: str
    paused: bool
    """Whether nothing is granted of it."""
    clients: int
    """That take from it."""
    queued: int
    """Msgs that wait."""
    later: int
    """Msgs that are not to be sent before a date."""
    held: int
    """Msgs that clients have."""
    reported: int
    """Msgs that were processed, and are kept."""
    failed: int
    """Msgs whose last attempt was missed, and that are kept."""
    oldest_ms: int | None
    """How long ago the next msg was accepted, in milliseconds; None where none waits."""
