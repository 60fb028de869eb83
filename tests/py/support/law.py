"""The conservation law: what must hold of a store after any run whatever.

Every msg that was accepted (generated, or answered 201) is in exactly one of queue, later, batch,
report and fail; no id is in two; none was sent more than max_resends + 1 times; and no two clients
held the same msg at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timezone
from itertools import pairwise

import pena

BUCKETS = ("queue", "later", "batch", "report", "fail")
FOR_EVER = datetime.max.replace(tzinfo=timezone.utc)
Holding = tuple[datetime, datetime, str]  # from, to, client


def where_all_are(store: pena.Store) -> list[tuple[str, str]]:
    """Return a pair of bucket and id for every msg in every bucket."""
    held = [msg for batch in store.batches.values() for msg in batch.msgs]
    return [
        *(("queue", id) for id in store.queue),
        *(("later", id) for id in store.later),
        *(("batch", msg.id) for msg in held),
        *(("report", id) for id in store.report),
        *(("fail", id) for id in store.fail),
    ]


def _missed(misses: tuple[pena.Miss, ...]) -> list[Holding]:
    return [(miss.granted_at, miss.missed_at, miss.client) for miss in misses]


def holdings(store: pena.Store) -> Iterator[tuple[str, list[Holding]]]:
    """Yield each msg with the times at which it was held, in the order of its attempts."""
    for msg in (*store.queue.values(), *store.later.values()):
        yield msg.id, _missed(msg.misses)
    for batch in store.batches.values():
        for msg in batch.msgs:
            yield msg.id, [*_missed(msg.misses), (batch.granted_at, FOR_EVER, batch.client)]
    for report in store.report.values():
        last = (report.granted_at, report.reported_at, report.client)
        yield report.id, [*_missed(report.misses), last]
    for fail in store.fail.values():
        yield fail.id, _missed(fail.misses)


def attempts(store: pena.Store) -> Iterator[tuple[str, int, int | None]]:
    """Yield each msg with how often it was sent, and how often it may be sent again if it says."""
    for msg in (*store.queue.values(), *store.later.values()):
        yield msg.id, msg.attempts, msg.max_resends
    for batch in store.batches.values():
        for msg in batch.msgs:
            yield msg.id, msg.attempt, msg.max_resends
    for record in (*store.report.values(), *store.fail.values()):
        yield record.id, record.attempts, record.max_resends


def check(store: pena.Store, submitted: set[str], max_resends: int) -> None:
    """Assert the law of a store that no server changes meanwhile."""
    everywhere = where_all_are(store)
    places = Counter(id for _, id in everywhere)
    twice = [(bucket, id) for bucket, id in everywhere if places[id] > 1]
    assert not twice, f"in more than one place: {twice}"
    assert not submitted - places.keys(), f"accepted, and lost: {submitted - places.keys()}"
    generated = store.meta("generated") or 0
    assert len(places) == generated + len(submitted), "as many as were generated and submitted"
    counts = store.counts()
    assert counts.total == len(places), counts
    assert counts == pena.BucketCounts(*(_in(everywhere, b) for b in BUCKETS))
    for id, sent, own in attempts(store):
        most = 1 + (max_resends if own is None else own)
        assert sent <= most, f"{id} was sent {sent} times"
    for id, times in holdings(store):
        for before, after in pairwise(times):
            assert before[1] <= after[0], f"{id} was held by two clients at once: {times}"
        assert all(begun <= ended for begun, ended, _ in times), f"{id}: {times}"


def _in(everywhere: list[tuple[str, str]], bucket: str) -> int:
    return sum(1 for name, _ in everywhere if name == bucket)
