"""The laws of a store after a crash, checked without a line of Pena.

A store is read with py-lmdb and decoded by records.py. What Pena promised meanwhile stands in
journals, JSON lines that the load clients wrote:

    {"offered": [id, ...]}                           ids that a client chose, before it sends them
    {"accepted": [id, ...]}                          the ids of an answer 201
    {"sent": [batch, at_ms, [[id, attempt], ...]]}   msgs that a client received
    {"report": body, "answer": answer, "at": ms}     a report and its answer 200
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lmdb
import lmdb.verify

import log_replay
from records import (
    BUCKETS,
    CLOCK_STEP_MS,
    DEFAULT_QUEUE,
    FIRST_NAMED_QUEUE,
    TABLES,
    BrokenLawError,
    Place,
    QueueInfo,
    Record,
    decode,
    decode_key,
    decode_place,
    decode_queue_info,
    decode_settled,
    decode_tail,
    law,
    xid_second,
    xid_text,
)

SCHEMA = 5
GENERATED_PERIODS = 1000  # the generator draws from 1..1000; what the load submits is longer

# ---- the store


@dataclass
class Stored:
    """All that a store holds."""

    records: dict[str, Record]
    batches: set[str]
    meta: dict[str, int]
    places: dict[str, Place] = field(default_factory=dict)
    keys: dict[tuple[int, bytes], str] = field(default_factory=dict)
    queues: dict[int, QueueInfo] = field(default_factory=dict)
    # Of report and fail: the place in the order of settling → id.
    order: dict[str, dict[int, str]] = field(default_factory=dict)
    # The last places that are given out, holes as well.
    settled_behind: dict[str, list[int]] = field(default_factory=dict)
    replayed: int = 0  # records of the log that the store did not have yet

    def counts(self) -> dict[str, int]:
        """So many msgs in each bucket."""
        counts = dict.fromkeys(BUCKETS, 0)
        for record in self.records.values():
            counts[record.bucket] += 1
        return counts


def read_store(folder: Path, *, structure: bool = True) -> Stored:
    """Read a store that no server has open. `structure`: LMDB's own pages, too."""
    if structure:
        try:
            problems = lmdb.verify.verify(str(folder / "data.mdb"))  # type: ignore[no-untyped-call]
        except lmdb.verify.VerifyError as error:
            problems = [str(error)]
        law(not problems, f"LMDB's pages: {problems[:3]}")
    try:
        env = lmdb.open(str(folder), readonly=True, lock=False, max_dbs=16)
    except lmdb.Error as error:
        raise BrokenLawError(f"the store cannot be opened: {error}") from None
    with env:
        stored = _read(env)
    try:
        stored.replayed = log_replay.replay(folder, stored)
    except (BrokenLawError, KeyError, ValueError) as wrong:
        raise BrokenLawError(f"the log: {wrong}") from None
    return stored


def _read(env: lmdb.Environment) -> Stored:
    stored = Stored({}, set(), {})
    try:
        for table, (bucket, prefix) in TABLES.items():
            last = (b"", "")
            for key, value in _items(env, table):
                for record in decode(table, key, value):
                    if bucket == "queue":
                        here = (key[:prefix], record.id)
                        law(last < here, f"in {table} {record.id} comes behind {last[1]}")
                        last = here
                    other = stored.records.setdefault(record.id, record)
                    law(other is record, f"{record.id} is in {other.bucket} and in {bucket}")
                if bucket == "batch":
                    stored.batches.add(xid_text(key))
        _read_places(env, stored)
        for key, value in _items(env, "meta"):
            law(len(value) == 8, f"the meta value {key!r} is no number")
            stored.meta[key.decode()] = int.from_bytes(value, "little")
    except lmdb.Error as error:
        raise BrokenLawError(f"the store cannot be read: {error}") from None
    return stored


def _read_places(env: lmdb.Environment, stored: Stored) -> None:
    for key, value in _items(env, "place"):
        stored.places[xid_text(key)] = decode_place(value)
    for key, value in _items(env, "key"):
        stored.keys[int.from_bytes(key[:4], "big"), key[4:]] = decode_key(value)
    for key, value in _items(env, "queue_info"):
        law(len(key) == 4, f"the key {key!r} in queue_info is no number")
        stored.queues[int.from_bytes(key, "big")] = decode_queue_info(value)
    for bucket, table in (("report", "reported"), ("fail", "failed")):
        order = stored.order[bucket] = {}
        behind = 1
        for key, value in _items(env, table):
            law(len(key) == 8, f"the key {key!r} in {table} is no number")
            first, ids = int.from_bytes(key, "big"), decode_settled(value)
            law(first >= behind, f"in {table} {first} comes behind {behind - 1}")
            behind = first + len(ids)
            order |= {first + at: id for at, id in enumerate(ids) if id}
        stored.settled_behind[bucket] = [behind - 1]
        with env.begin() as txn:
            tail = txn.get(f"{table}_tail".encode())
        if tail is not None:
            first, ids = decode_tail(tail)
            law(first >= behind, f"in {table} the tail, {first}, comes behind {behind - 1}")
            order |= {first + at: id for at, id in enumerate(ids) if id}
            stored.settled_behind[bucket].append(first + len(ids) - 1)


def _items(env: lmdb.Environment, bucket: str) -> Iterator[tuple[bytes, bytes]]:
    """Yield all of one bucket. A store that was never committed to has none."""
    with env.begin() as txn:
        try:
            table = env.open_db(bucket.encode(), txn=txn, create=False)
        except lmdb.NotFoundError:
            return
        yield from txn.cursor(table)


# ---- what was promised


@dataclass
class Claims:
    """What the clients were told, as their journals have it."""

    # The store was full, so reports may have made room. A msg that is forgotten so is new when it
    # is submitted again.
    forgets: bool = False
    offered: set[str] = field(default_factory=set)
    offered_again: set[str] = field(default_factory=set)
    accepted: set[str] = field(default_factory=set)
    sent: dict[str, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))
    sent_at: dict[str, int] = field(default_factory=dict)  # batch → ms
    reported: dict[str, tuple[str | None, int]] = field(default_factory=dict)  # batch, ms
    settled: set[str] = field(default_factory=set)
    accepted_once: set[str] = field(default_factory=set)  # ids of which a report was accepted

    def add(self, entry: dict[str, Any]) -> None:
        """Take one line of a journal."""
        if "offered" in entry:
            self.offered_again |= self.offered.intersection(entry["offered"])
            self.offered.update(entry["offered"])
        elif "accepted" in entry:
            self.accepted.update(entry["accepted"])
        elif "sent" in entry:
            self._add_sent(*entry["sent"])
        elif "report" in entry:
            self._add_report(entry["report"], entry["answer"], entry["at"])

    def may_be_new(self, id: str) -> bool:
        """Tell whether a msg may have been reported, forgotten, and accepted once more."""
        return self.forgets and id in self.offered_again

    def _add_sent(self, batch: str, at: int, msgs: Iterable[tuple[str, int]]) -> None:
        self.sent_at[batch] = at
        for id, attempt in msgs:
            before = self.sent[id].setdefault(attempt, batch)
            law(
                before == batch or self.may_be_new(id),
                f"{id} was sent twice as attempt {attempt}: {before}, {batch}",
            )

    def _add_report(self, body: Any, answer: dict[str, int], at: int) -> None:
        """Ids are known to be reported where the answer's counts leave no other reading."""
        plain = body if isinstance(body, dict) else {}
        batch = plain.get("batch")
        ids = [body] if isinstance(body, str) else plain.get("ids", body)
        named = len({*ids, *(failed["id"] for failed in plain.get("failed", []))})
        counted = answer["reported"] + answer["duplicate"] + answer["unknown"]
        law(counted <= named, f"an answer counts more ids than were named: {body}: {answer}")
        if answer["reported"] == len(ids):
            for id in ids:
                told = self.reported.get(id, (None, 0))[0]
                law(
                    (told is None and id not in self.accepted_once) or self.may_be_new(id),
                    f"two reports of {id} were accepted, of {told} and of {batch}",
                )
                self.accepted_once.add(id)
                self.reported[id] = (batch, at)
        elif answer["duplicate"] == named or answer["reported"] + answer["duplicate"] == named:
            for id in ids:
                self.reported.setdefault(id, (None, at))
        if batch and not plain.get("partial"):
            self.settled.add(batch)


class Journals:
    """The journals of one run: each look reads what came since the last."""

    def __init__(self, folder: Path) -> None:
        self.claims = Claims()
        self._folder = folder
        self._read_to: dict[Path, int] = defaultdict(int)

    def read(self) -> Claims:
        """Read on."""
        for path in sorted(self._folder.glob("*.jsonl")):
            with path.open("rb") as file:
                file.seek(self._read_to[path])
                for line in file:
                    if not line.endswith(b"\n"):
                        break  # is being written
                    self._read_to[path] += len(line)
                    self.claims.add(json.loads(line))
        return self.claims


# ---- the laws


def check(
    stored: Stored,
    claims: Claims,
    max_resends: int,
    boots: range | None = None,
) -> None:
    """Raise BrokenLawError where the store and what was promised do not go together."""
    records = stored.records
    made_room = claims.reported.keys() - records.keys() if claims.forgets else set()
    _check_meta(stored, boots)
    for record in records.values():
        _check_attempts(record, max_resends)
    lost = claims.accepted - records.keys() - made_room
    law(not lost, f"answered 201, and lost: {sorted(lost)[:5]} ({len(lost)})")
    for id, attempts in claims.sent.items():
        if id in made_room or (claims.may_be_new(id) and id in claims.reported):
            continue
        law(id in records, f"{id} was sent, and is lost: {attempts}")
        _check_sent(records[id], attempts, claims, max_resends)
    for id, (batch, at) in claims.reported.items():
        if id in made_room or claims.may_be_new(id):
            continue
        law(id in records, f"{id} was answered as reported, and is lost")
        _check_reported(records[id], batch, at, claims)
    still = claims.settled & stored.batches
    law(not still, f"answered as settled, and held: {sorted(still)[:5]}")
    _check_places(stored)
    _check_order(stored)
    _check_queues(stored)


def _check_meta(stored: Stored, boots: range | None) -> None:
    if not stored.meta:
        law(not stored.records, "the bucket meta is empty, the others are not")
        return
    law(stored.meta.get("schema") == SCHEMA, f"schema is {stored.meta.get('schema')}")
    count = stored.meta.get("boots", 0)
    law(count >= 1 if boots is None else count in boots, f"boots is {count}, expected {boots}")
    made = sum(record.period <= GENERATED_PERIODS for record in stored.records.values())
    said = stored.meta.get("generated", 0)
    law(made == said, f"meta says {said} generated msgs, the buckets hold {made}")
    second = stored.meta.get("id_second", 0)
    batches = {batch for record in stored.records.values() for batch in record.history}
    late = {batch for batch in batches | stored.batches if xid_second(batch) > second}
    law(not late, f"meta says that no id is of a later second than {second}, but {late}")


def _check_places(stored: Stored) -> None:
    """What is said of where msgs are and what they are called is so, and nothing is left out."""
    places, keys = dict(stored.places), dict(stored.keys)
    for record in stored.records.values():
        later = record.bucket == "later"
        if later or (record.bucket == "queue" and record.queue != DEFAULT_QUEUE):
            place = places.pop(record.id, None)
            is_at = Place(record.queue, record.due_at if later else None)
            law(place == is_at, f"is said to wait at {place}: {record}")
        if record.key:
            named = keys.pop((record.queue, record.key), None)
            law(named == record.id, f"its key names {named}: {record}")
    law(not places, f"no such msgs wait there: {list(places.items())[:3]}")
    law(not keys, f"no msgs are called so: {list(keys.items())[:3]}")


def _check_order(stored: Stored) -> None:
    """Each settled msg has its own place in the order of settling."""
    for bucket, order in stored.order.items():
        of_bucket = (record for record in stored.records.values() if record.bucket == bucket)
        has = {(record.order, record.id) for record in of_bucket}
        wrong = sorted(has ^ set(order.items()))
        law(not wrong, f"the order of settling of {bucket} is another one: {wrong[:3]}")


def _check_queues(stored: Stored) -> None:
    """The counts of each queue are those of its msgs, and each has a name of its own.

    What the two default queues say of reports counts for nothing: they have those that are left.
    """
    counted: dict[int, Counter[str]] = defaultdict(Counter)
    for record in stored.records.values():
        counted[record.queue][record.bucket] += 1
    for number in counted.keys() | stored.queues.keys():
        has, said = counted[number], stored.queues.get(number, QueueInfo(False, 0, 0, 0, 0, b""))
        for what, bucket, count in (
            ("queued", "queue", said.queued),
            ("later", "later", said.later),
            ("reported", "report", said.reported),
            ("failed", "fail", said.failed),
        ):
            if what == "reported" and number < FIRST_NAMED_QUEUE:
                continue
            law(
                count == has[bucket],
                f"queue_info says {count} {what} msgs of the queue {number}, it has {has[bucket]}",
            )
        law(
            bool(said.name) == (number >= FIRST_NAMED_QUEUE),
            f"the queue {number} has the name {said.name!r}",
        )
    names = [info.name for info in stored.queues.values() if info.name]
    law(len(names) == len(set(names)), f"two queues have one name: {sorted(names)}")


def _check_attempts(record: Record, max_resends: int) -> None:
    resends = max_resends if record.max_resends is None else record.max_resends
    most = resends + (record.bucket == "fail")
    misses = record.counted_misses
    law(0 <= misses <= len(record.misses), f"tells less than {misses} misses: {record}")
    law(misses <= most, f"has {misses} misses in {record.bucket}: {record}")
    law(record.bucket != "fail" or misses == most, f"failed after {misses} attempts: {record}")


def _check_sent(record: Record, attempts: dict[int, str], claims: Claims, max_resends: int) -> None:
    """What a client received is in the record's history, under its number."""
    history = record.history
    last_at = 0
    for attempt, batch in sorted(attempts.items()):
        law(1 <= attempt <= max_resends + 1, f"{record.id} was sent as attempt {attempt}")
        known = history[attempt - 1] if attempt <= len(history) else "nothing"
        law(
            known == batch,
            f"{record.id} was sent in {batch} as attempt {attempt}, "
            f"the store has {known}: {record}",
        )
        at = claims.sent_at[batch]
        law(
            at + CLOCK_STEP_MS >= last_at,
            f"{record.id}: attempt {attempt} was sent before the one before it",
        )
        last_at = at


def _check_reported(record: Record, batch: str | None, at: int, claims: Claims) -> None:
    id = record.id
    law(record.bucket == "report", f"{id} was answered as reported, and is in {record.bucket}")
    if batch is not None:
        law(record.batch == batch, f"{id} was reported of {batch}, the store has {record.batch}")
    for sent in claims.sent.get(id, {}).values():
        law(
            claims.sent_at[sent] <= at + CLOCK_STEP_MS,
            f"{id} was sent again in {sent} after its report",
        )


def check_ended(stored: Stored) -> None:
    """Every msg has ended, in report or in fail."""
    left = [record for record in stored.records.values() if record.bucket not in ("report", "fail")]
    law(not left, f"{len(left)} msgs never ended: {left[:2]}")


def check_closed(stored: Stored) -> None:
    """A server that was stopped well has left nothing in the log, and says so."""
    law(stored.replayed == 0, f"{stored.replayed} records are in the log behind a clean stop")
    law(stored.meta.get("log_open", 0) == 0, "the log is open behind a clean stop")
