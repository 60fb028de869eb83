"""The conservation law's check can fail: once for every way to break the law."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

import pena
from support import law

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
BATCH, CLIENT = "b" * 20, "c" * 20


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def missed(granted: float, missed: float) -> pena.Miss:
    reason = pena.MissReason.omitted
    return pena.Miss(BATCH, CLIENT, "", at(granted), at(missed), reason, "")


def said(id: str) -> dict[str, Any]:
    return {"id": id, "queue": "default", "key": "", "period": 5, "max_resends": None}


def queued(id: str, *misses: pena.Miss) -> pena.QueuedMsg:
    times = {"accepted_at": START, "queued_at": START, "due_at": None}
    return pena.QueuedMsg(**said(id), payload=None, **times, attempts=len(misses), misses=misses)


def reported(id: str, granted: float, done: float, *misses: pena.Miss) -> pena.ReportRecord:
    by = {"batch": BATCH, "client": CLIENT, "name": ""}
    times = {"accepted_at": START, "granted_at": at(granted), "reported_at": at(done)}
    sent = {"attempts": len(misses) + 1, "misses": misses}
    return pena.ReportRecord(**said(id), **by, **times, result=None, **sent)


def store(generated: int, **buckets: list[Any]) -> Any:
    """Return what looks like a store with these records."""
    bucket = {name: {r.id: r for r in buckets.get(name, [])} for name in law.BUCKETS}
    bucket["batches"] = bucket["batch"]
    held = sum(len(batch.msgs) for batch in bucket["batches"].values())
    sizes = [len(bucket[name]) for name in law.BUCKETS]
    sizes[law.BUCKETS.index("batch")] = held
    counts = pena.BucketCounts(*sizes)
    return SimpleNamespace(**bucket, counts=lambda: counts, meta=lambda _: generated)


def test_a_good_store_passes() -> None:
    batch = pena.Batch(BATCH, CLIENT, "", at(5), (queued("b", missed(1, 2)), queued("c")))
    report = [reported("d", 3, 4, missed(1, 2), missed(2, 3))]
    law.check(store(3, queue=[queued("a")], batch=[batch], report=report), {"a"}, 3)


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        (store(1, queue=[queued("a")], report=[reported("a", 1, 2)]), "more than one place"),
        (store(0, queue=[queued("b")]), "accepted, and lost"),
        (store(2, queue=[queued("a"), queued("b")]), "as many as"),
        (store(0, queue=[queued("a")], later=[queued("a")]), "more than one place"),
        (store(0, report=[reported("a", 2, 4, missed(1, 3))]), "two clients at once"),
        (store(0, queue=[queued("a", missed(1, 3), missed(2, 4))]), "two clients at once"),
        (store(0, report=[reported("a", 3, 2)]), "a: "),
        (store(0, queue=[queued("a", *(missed(n, n + 1) for n in range(5)))]), "sent 5 times"),
    ],
)
def test_a_broken_store_is_noticed(broken: Any, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        law.check(broken, {"a"}, 3)
