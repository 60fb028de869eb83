"""Answers, as the server tells them in JSON.

Anything may listen there and answer anything, so each part is looked at before it is used. Where
one is missing or another than expected, what reads it raises any of the errors that Python has for
that; `Answer.told` makes a RefusedError of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from typing import Any, NamedTuple, TypeVar

from pena._json_records import fail_record, queued_msg, report_record, settled_of_story
from pena._settings import shown
from pena.records import FailRecord, QueuedMsg, ReportRecord
from pena.standing import QueueStats
from pena.xid import is_xid

Said = Mapping[str, Any]
_T = TypeVar("_T")


def number(said: Said, name: str, least: int = 0) -> int:
    """Return a whole number from `least`."""
    value = said[name]
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise _other(name, value, f"a whole number from {least}")
    return value


def flag(said: Said, name: str) -> bool:
    """Return what is true or false."""
    value = said[name]
    if not isinstance(value, bool):
        raise _other(name, value, "true or false")
    return value


def ids(said: Said, name: str) -> list[str]:
    """Return ids."""
    value = said[name]
    if not isinstance(value, list) or not all(is_xid(one) for one in value):
        raise _other(name, value, "ids")
    return value


def _objects(said: Said, name: str, make: Callable[[Said], _T]) -> list[_T]:
    value = said[name]
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise _other(name, value, "objects")
    return [make(one) for one in value]


def _other(name: str, value: object, expected: str) -> ValueError:
    return ValueError(f"{name} is {shown(value)}, where {expected} would stand")


class Accepted(NamedTuple):
    """What ``POST /task`` says."""

    ids: list[str]
    known: list[str]


def accepted(said: Said, msgs: int) -> Accepted:
    """Read what became of so many msgs."""
    given = Accepted(ids(said, "ids"), ids(said, "known"))
    if len(given.ids) != msgs:
        raise ValueError(f"it has {len(given.ids)} ids for {msgs} msgs")
    return given


class Page(NamedTuple):
    """A page in the order of ids, or of dates: what it has, and what the next one begins behind."""

    has: list[Any]
    next: str | None


def _page(said: Said, has: list[Any], after: str) -> Page:
    behind = said.get("next")
    if behind is not None and (not isinstance(behind, str) or behind == after):
        raise _other("next", behind, f"what is behind {shown(after)}")
    return Page(has, behind)


def page_of_ids(after: str, said: Said) -> Page:
    """Read ids."""
    return _page(said, ids(said, "ids"), after)


def page_of_held(after: str, said: Said) -> Page:
    """Read the ids that are in batches."""
    batches = _objects(said, "batches", lambda batch: ids(batch, "ids"))
    return _page(said, [id for batch in batches for id in batch], after)


def page_of_msgs(after: str, said: Said) -> Page:
    """Read QueuedMsgs."""
    msgs: list[QueuedMsg] = _objects(said, "records", queued_msg)
    return _page(said, msgs, after)


def page_of_settled(
    after: str, said: Said, bucket: str, only: Collection[str] | None = None
) -> Page:
    """Read ReportRecords or FailRecords, of these ids."""
    return _page(said, _settled(said, bucket, only), after)


def _settled(
    said: Said, bucket: str, only: Collection[str] | None
) -> list[ReportRecord | FailRecord]:
    make = report_record if bucket == "report" else fail_record

    def made(one: Said) -> ReportRecord | FailRecord | None:
        return make(one) if only is None or one["id"] in only else None

    return [record for record in _objects(said, "records", made) if record is not None]


class Settled(NamedTuple):
    """A page in the order of settling."""

    has: list[Any]
    next: int
    first: int
    """The lowest place that still has a record, or the next one that is given out."""


def settled_since(
    said: Said, bucket: str, since: int, only: Collection[str] | None = None
) -> Settled:
    """Read ReportRecords or FailRecords, of these ids."""
    return Settled(
        _settled(said, bucket, only), number(said, "next", since), number(said, "first", 1)
    )


class Counts(NamedTuple):
    """What ``GET /stats`` says of all queues, and of the one that was asked for."""

    kept: dict[str, int]
    """How many records are in `report` and in `fail`."""
    queue: QueueStats


def counts(said: Said, queue: str) -> Counts:
    """Read them. A queue that nobody has used has nothing."""
    kept = {bucket: number(said, f"{bucket}s") for bucket in ("report", "fail")}
    return Counts(kept, queue_stats(said, queue))


def rows(said: Said) -> list[QueueStats]:
    """Read how queues stand; those that nobody has used are left out."""
    return _objects(said, "queues", _row)


def queue_stats(said: Said, queue: str) -> QueueStats:
    """Read how a queue stands; where nobody has used it, nothing is there."""
    told = rows(said)
    if not told:
        return QueueStats(queue, False, 0, 0, 0, 0, 0, 0, None)
    if len(told) > 1 or told[0].queue != queue:
        raise _other("queues", [row.queue for row in told], queue)
    return told[0]


def _row(said: Said) -> QueueStats:
    numbers = {field.name: number(said, field.name) for field in fields(QueueStats)[2:-1]}
    oldest = number(said, "oldest_ms") if "oldest_ms" in said else None
    return QueueStats(said["queue"], flag(said, "paused"), **numbers, oldest_ms=oldest)


def settled_or_not(said: Said, id: str) -> tuple[str, ReportRecord | FailRecord | None]:
    """Read the queue of that msg, and its record where it is settled."""
    if said["id"] != id:
        raise _other("id", said["id"], id)
    return said.get("queue", "default"), settled_of_story(said)
