"""What a store's log has behind the store: cpp/store/log_frames.hpp and change_bytes.hpp decoded.

Without a line of Pena: what a crash left in the log is applied to what was read of the store.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import xxhash

import log_records
import records
from records import DEFAULT_QUEUE, Place, QueueInfo, Reader, Record, law, xid_bytes

BLOCK = 4096
HEADER = struct.Struct("<8sIIQQQQ")
FRAME = struct.Struct("<IIQQ")
FRAME_MAGIC = 0x6D726670
NO_ID = "0" * 20
WHOLE_ID = 0x80  # of a kind
NO_QUEUE = QueueInfo(False, 0, 0, 0, 0, b"")


class Segment(NamedTuple):
    """One file of the log."""

    path: Path
    generation: int
    bytes: bytes


def segments(folder: Path, id: int, count: int) -> list[Segment]:
    """Return the files of a log, in the order in which they were used."""
    found = []
    for number in range(count):
        path = folder / f"segment.{number}"
        law(path.exists(), f"{path.name} is missing")
        raw = path.read_bytes()
        law(len(raw) >= BLOCK, f"{path.name} has no header")
        magic, form, of, log, generation, size, checksum = HEADER.unpack_from(raw)
        law(magic == b"pena log" and form == 1, f"{path.name} has no header")
        law(checksum == xxhash.xxh3_64_intdigest(raw[:40]), f"the header of {path.name} is damaged")
        law((of, log, size) == (count, id, len(raw)), f"{path.name} is of another log")
        found.append(Segment(path, generation, raw))
    found.sort(key=lambda segment: segment.generation)
    for before, after in pairwise(found):
        twice = before.generation == after.generation
        law(not twice, f"{after.path.name} is there twice, as {before.path.name}")
    return found


def _frame(raw: bytes, at: int, salt: int) -> tuple[int, bytes] | None:
    if at + FRAME.size > len(raw):
        return None
    magic, length, number, checksum = FRAME.unpack_from(raw, at)
    if magic != FRAME_MAGIC or at + FRAME.size + length > len(raw):
        return None
    body = raw[at + FRAME.size : at + FRAME.size + length]
    seed = xxhash.xxh3_64_intdigest(raw[at + 4 : at + 16], seed=salt)
    return (number, body) if xxhash.xxh3_64_intdigest(body, seed=seed) == checksum else None


def blocks(body: int) -> int:
    """Return the bytes of a frame with such a body."""
    return -(-(FRAME.size + body) // BLOCK) * BLOCK


def frames_of(segment: Segment, id: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield the number, the place and the body of each frame of one file."""
    salt = xxhash.xxh3_64_intdigest(struct.pack("<Q", segment.generation), seed=id)
    at = BLOCK
    while found := _frame(segment.bytes, at, salt):
        number, body = found
        yield number, at, body
        at += blocks(len(body))
    behind = [
        place
        for place in range(at, len(segment.bytes), BLOCK)
        if _frame(segment.bytes, place, salt)
    ]
    law(not behind, f"{segment.path.name} has a record behind its end at {at}: {behind[:1]}")


def frames(folder: Path, id: int, count: int) -> Iterator[tuple[int, bytes]]:
    """Yield the frames of a log, in order. Raises BrokenLawError where it is damaged."""
    last = 0
    for segment in segments(folder, id, count):
        for number, _, body in frames_of(segment, id):
            law(last in (0, number - 1), f"record {number} of the log comes behind {last}")
            last = number
            yield number, body


class Replay:
    """Applies change sets to what was read of a store, which is a checker.Stored."""

    def __init__(self, stored: Any) -> None:
        self.stored = stored
        self.next = {
            bucket: max([*order, *stored.settled_behind.get(bucket, [])], default=0) + 1
            for bucket, order in stored.order.items()
        }

    def apply(self, body: bytes) -> None:
        """Apply one."""
        reader = Reader(body)
        law(reader.version == records.RECORD_VERSION, f"has version {reader.version}")
        self.id_before, self.accepted_before = NO_ID, 0
        self.shared: log_records.Shared | None = None
        while not reader.at_end():
            kind = reader.number("B")
            self.whole_id = kind & WHOLE_ID
            kind &= ~WHOLE_ID
            law(1 <= kind <= len(self.KINDS), f"the log has a write of the kind {kind}")
            self.KINDS[kind - 1](self, reader)
            law(not self.whole_id, f"a write of the kind {kind} has no id to be whole")

    def _id(self, reader: Reader) -> str:
        self.id_before = reader.near(self.id_before, self.whole_id)
        self.whole_id = 0
        return self.id_before

    def _behind(self, record: Record) -> Record:
        self.id_before, self.accepted_before = record.id, record.accepted_at
        return record

    def _waiting(self, reader: Reader, bucket: str) -> Record:
        return self._behind(
            log_records.queued(reader, bucket, self.id_before, self.accepted_before)
        )

    def _put(self, record: Record) -> None:
        records.check_history(record)
        before = self.stored.records.get(record.id)
        law(before is None or before.bucket == "batch", f"is put, and there already: {before}")
        self.stored.records[record.id] = record

    def _drop(self, id: str, bucket: str) -> Record:
        record: Record | None = self.stored.records.pop(id, None)
        law(record is not None and record.bucket == bucket, f"{id} is dropped from {bucket}")
        assert record is not None
        return record

    def _count(self, queue: int, what: str, by: int) -> None:
        info = self.stored.queues.get(queue, NO_QUEUE)
        self.stored.queues[queue] = info._replace(**{what: getattr(info, what) + by})

    def _put_queue(self, reader: Reader) -> None:
        record = self._waiting(reader, "queue")
        self._put(record)
        self._count(record.queue, "queued", 1)
        if record.queue != DEFAULT_QUEUE:
            self.stored.places[record.id] = Place(record.queue, None)

    def _drop_queue(self, reader: Reader) -> None:
        id, queue = self._id(reader), reader.varint()
        record = self._drop(id, "queue")
        law(record.queue == queue, f"{id} is dropped from the queue {queue}")
        self._count(queue, "queued", -1)
        if queue != DEFAULT_QUEUE:
            del self.stored.places[id]

    def _put_later(self, reader: Reader) -> None:
        record = self._waiting(reader, "later")
        self._put(record)
        self._count(record.queue, "later", 1)
        self.stored.places[record.id] = Place(record.queue, record.due_at)

    def _drop_later(self, reader: Reader) -> None:
        id, due_at = self._id(reader), reader.number("q")
        record = self._drop(id, "later")
        law(record.due_at == due_at, f"{id} is dropped as due at {due_at}")
        self._count(record.queue, "later", -1)
        del self.stored.places[id]

    def _forget_batch(self, batch: str) -> None:
        law(batch in self.stored.batches, f"the batch {batch} is dropped, and not there")
        self.stored.batches.remove(batch)
        held = [
            id
            for id, record in self.stored.records.items()
            if record.bucket == "batch" and record.batch == batch
        ]
        for id in held:
            del self.stored.records[id]

    def _put_batch(self, reader: Reader) -> None:
        id, replaces = self._id(reader), reader.number("B")
        if replaces:
            self._forget_batch(id)
        law(id not in self.stored.batches, f"the batch {id} is put, and there already")
        self.stored.batches.add(id)
        for record in records.decode_batch(reader, id):
            self._put(record)

    def _drop_batch(self, reader: Reader) -> None:
        self._forget_batch(self._id(reader))

    def _settle(self, record: Record, what: str) -> None:
        bucket = record.bucket
        record = record._replace(order=self.next[bucket])
        self.next[bucket] += 1
        self.stored.order[bucket][record.order] = record.id
        self._put(record)
        self._count(record.queue, what, 1)

    def _put_report(self, reader: Reader) -> None:
        shared = log_records.shared(reader, self._id(reader))
        law(shared != self.shared, "tells twice whose report it is")
        self.shared = shared
        self._put_next_report(reader)

    def _put_next_report(self, reader: Reader) -> None:
        law(self.shared is not None, "has a report of nobody")
        assert self.shared is not None
        behind = (self.id_before, self.accepted_before)
        report = log_records.report_of(reader, self.shared, *behind)
        self._settle(self._behind(report), "reported")

    def _put_fail(self, reader: Reader) -> None:
        id = self._id(reader)
        (record,) = records.decode("fail", xid_bytes(id), reader.text())
        self._settle(record, "failed")

    def _unsettle(self, bucket: str, id: str, what: str) -> None:
        record = self._drop(id, bucket)
        del self.stored.order[bucket][record.order]
        self._count(record.queue, what, -1)

    def _drop_report(self, reader: Reader) -> None:
        self._unsettle("report", self._id(reader), "reported")

    def _drop_fail(self, reader: Reader) -> None:
        self._unsettle("fail", self._id(reader), "failed")

    def _put_meta(self, reader: Reader) -> None:
        name = reader.name().decode()
        self.stored.meta[name] = reader.number("Q")

    def _put_key(self, reader: Reader) -> None:
        id, key = self._id(reader), (reader.varint(), reader.name())
        law(key not in self.stored.keys, f"the key {key} is put, and there already")
        self.stored.keys[key] = id

    def _drop_key(self, reader: Reader) -> None:
        del self.stored.keys[reader.varint(), reader.name()]

    def _put_queue_name(self, reader: Reader) -> None:
        queue, paused, name = reader.varint(), reader.number("B"), reader.name()
        info = self.stored.queues.get(queue, NO_QUEUE)
        self.stored.queues[queue] = info._replace(paused=bool(paused), name=name)

    KINDS = (
        _put_queue,
        _drop_queue,
        _put_batch,
        _drop_batch,
        _put_report,
        _put_fail,
        _put_meta,
        _put_later,
        _drop_later,
        _drop_report,
        _drop_fail,
        _put_key,
        _drop_key,
        _put_queue_name,
        _put_next_report,
    )


def replay(folder: Path, stored: Any) -> int:
    """Apply what the log of the store in `folder` has behind it; return how many records."""
    count = stored.meta.get("log_open", 0)
    if count == 0:
        return 0
    applied = stored.meta.get("log_applied", 0)
    done = 0
    onto = Replay(stored)
    for number, body in frames(folder / "log", stored.meta["log_id"], count):
        if number <= applied:
            continue
        law(number == applied + done + 1, f"the log goes on with {number} behind {applied + done}")
        onto.apply(body)
        done += 1
    return done
