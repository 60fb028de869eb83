"""The records of a store, decoded from cpp/store/format.hpp, without a line of Pena."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import xxhash

BUCKETS = ("queue", "later", "batch", "report", "fail")
# The tables that msgs are in, with their buckets and what their keys have before the id.
TABLES = {
    "queue": ("queue", 0),
    "queues": ("queue", 4),
    "later": ("later", 8),
    "batch": ("batch", 0),
    "report": ("report", 0),
    "fail": ("fail", 0),
}
REASONS = ("omitted", "failed", "refused", "dropped", "expired")
RECORD_VERSION = 3  # 1 and 2 are read, too
HAS_QUEUE, HAS_MAX_RESENDS, HAS_KEY = 1, 2, 4
HAS_CLIENT_NAME, HAS_PAYLOAD_HASH, HAS_RESULT = 8, 16, 32
OTHER_BATCH, OTHER_CLIENT = 64, 128
OTHER_ORIGIN = 64  # of a msg that is held
DEFAULT_QUEUE = 0
FIRST_NAMED_QUEUE = 2
CLOCK_STEP_MS = 50  # a server's clock runs by itself; a restarted one reads the wall clock anew


class BrokenLawError(Exception):
    """A law does not hold."""


def law(holds: bool, text: str) -> None:
    """Raise where a law does not hold."""
    if not holds:
        raise BrokenLawError(text)


# ---- records


class Miss(NamedTuple):
    """One attempt that did not end in a report."""

    batch: str
    client: str
    granted_at: int
    missed_at: int
    reason: str


class Record(NamedTuple):
    """What the store has of one msg, whatever the bucket."""

    bucket: str
    id: str
    period: int
    accepted_at: int
    misses: tuple[Miss, ...]
    batch: str  # that holds it, or that was reported; empty in queue and fail
    granted_at: int  # of that batch
    ended_at: int  # reported or failed
    attempts: int  # that count, with the one that was reported
    queue: int = DEFAULT_QUEUE
    max_resends: int | None = None
    key: bytes = b""
    due_at: int = 0  # of a msg that waits
    order: int = 0  # of a msg that was settled

    @property
    def counted_misses(self) -> int:
        """The misses since it was accepted or retried."""
        return self.attempts - (self.bucket == "report")

    @property
    def history(self) -> list[str]:
        """The batches of its attempts, in order."""
        missed = [miss.batch for miss in self.misses]
        return [*missed, self.batch] if self.batch else missed


def xid_text(raw: bytes) -> str:
    """Write an id as Pena does: base32hex in small letters, 20 characters."""
    law(len(raw) == 12, f"a key has {len(raw)} bytes, expected 12")
    return base64.b32hexencode(raw).decode().lower().rstrip("=")


def xid_bytes(text: str) -> bytes:
    """Return the twelve bytes of an id."""
    return base64.b32hexdecode(text.upper() + "====")


def xid_second(text: str) -> int:
    """Return the second in which an id was made."""
    return int.from_bytes(xid_bytes(text)[:4], "big")


class Reader:
    """The bytes of one record, read in order and never behind their end."""

    def __init__(self, value: bytes) -> None:
        law(len(value) >= 5, "is shorter than its header")
        self.version, checksum = struct.unpack_from("<BI", value)
        law(1 <= self.version <= RECORD_VERSION, f"has version {self.version}")
        self._body = value[5:]
        expected = xxhash.xxh3_64_intdigest(self._body, seed=self.version) & 0xFFFFFFFF
        law(checksum == expected, "does not match its checksum")
        self._at = 0

    def take(self, size: int) -> bytes:
        """Return the next bytes."""
        law(self._at + size <= len(self._body), "ends too early")
        self._at += size
        return self._body[self._at - size : self._at]

    def number(self, form: str) -> int:
        """Return a number of the given struct format."""
        (number,) = struct.unpack("<" + form, self.take(struct.calcsize(form)))
        return int(number)

    def xid(self) -> str:
        """Return an id."""
        return xid_text(self.take(12))

    def varint(self) -> int:
        """Return a number in groups of seven bits."""
        number = shift = 0
        while True:
            byte = self.number("B")
            law(byte > 0 or shift == 0, "has a number that is longer than it need be")
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                law(number < 1 << 64, "has a number that is too large")
                return number

    def short(self, form: str) -> int:
        """Return a number of the given struct format; in version 3 as long as it need be."""
        if self.version < 3:
            return self.number(form)
        number = self.varint()
        law(number < 1 << 8 * struct.calcsize(form), f"has a number that is too large: {number}")
        return number

    def differing(self, start: int) -> int:
        """Return what `start` and a difference make."""
        by = self.varint()
        return start + (-(by + 1) // 2 if by % 2 else by // 2)

    def instant(self, start: int) -> int:
        """Return an instant, which version 3 has as what lies between it and another."""
        if self.version < 3:
            return self.number("q")
        return self.differing(start)

    def near(self, start: str, whole: int) -> str:
        """Return an id that one process made with `start`, or one that is `whole`."""
        if whole:
            id = self.xid()
            law(xid_bytes(id)[4:9] != xid_bytes(start)[4:9], f"tells {id} at length")
            return id
        second = self.differing(xid_second(start))
        law(0 <= second < 1 << 32, f"has an id of no second: {second}")
        return xid_text(second.to_bytes(4, "big") + xid_bytes(start)[4:9] + self.take(3))

    def text(self) -> bytes:
        """Return bytes with their length before them."""
        return self.take(self.short("I"))

    def name(self) -> bytes:
        """Return a few bytes with their length before them."""
        return self.take(self.number("B"))

    def extras(self, flags: int) -> dict[str, Any]:
        """Return what a msg has besides."""
        extras: dict[str, Any] = {}
        if flags & HAS_QUEUE:
            extras["queue"] = self.number("I")
            law(extras["queue"] != DEFAULT_QUEUE, "names the default queue")
        if flags & HAS_MAX_RESENDS:
            extras["max_resends"] = self.number("H")
        if flags & HAS_KEY:
            extras["key"] = self.name()
            law(extras["key"] != b"", "has an empty key")
        return extras

    def rest(self) -> bytes:
        """Return what is left."""
        return self._body[self._at :]

    def misses(self) -> tuple[Miss, ...]:
        """Return the misses of a record."""
        return tuple(self._miss() for _ in range(self.short("H")))

    def _miss(self) -> Miss:
        batch, client = self.xid(), self.xid()
        granted_at, missed_at = self.number("q"), self.number("q")
        reason = self.number("B")
        law(1 <= reason <= len(REASONS), f"has no such reason: {reason}")
        if self.version > 1:
            self.name()  # what the client is called
        self.text()  # what it said
        return Miss(batch, client, granted_at, missed_at, REASONS[reason - 1])

    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self._at == len(self._body)

    def end(self) -> None:
        """Nothing may be left."""
        law(self.at_end(), "goes on behind its end")


def _msg(reader: Reader) -> tuple[str, int, dict[str, Any]]:
    id, period = reader.xid(), reader.short("I")
    flags = reader.number("B") if reader.version > 1 else 0
    return id, period, _extras_and_payload(reader, flags)


def _extras_and_payload(reader: Reader, flags: int) -> dict[str, Any]:
    law(flags < HAS_CLIENT_NAME, f"has flags that nobody knows: {flags}")
    extras = reader.extras(flags)
    payload = reader.text()
    if payload:
        json.loads(payload)
    return extras


def attempts_of(reader: Reader) -> tuple[int, tuple[Miss, ...]]:
    """Return how many attempts count, and the misses."""
    attempts = reader.short("H") if reader.version > 1 else None
    misses = reader.misses()
    return (len(misses) if attempts is None else attempts), misses


def _queued(reader: Reader, bucket: str, batch: str, granted_at: int) -> Record:
    msg = _msg(reader)
    return _waiting(reader, bucket, msg, batch, granted_at, xid_second(msg[0]) * 1_000_000)


def _waiting(
    reader: Reader,
    bucket: str,
    msg: tuple[str, int, dict[str, Any]],
    batch: str,
    granted_at: int,
    before: int,
) -> Record:
    id, period, extras = msg
    accepted_at = reader.instant(before)
    queued_at = reader.instant(accepted_at)
    attempts, misses = attempts_of(reader)
    return Record(
        bucket,
        id,
        period,
        accepted_at,
        misses,
        batch,
        granted_at,
        0,
        attempts,
        due_at=queued_at,
        **extras,
    )


def decode_queue(reader: Reader, key: str) -> list[Record]:
    """QueuedMsg+: the key is the first one's id."""
    records = [_queued(reader, "queue", "", 0)]
    law(records[0].id == key, f"begins with another msg, {records[0].id}")
    while not reader.at_end():
        records.append(_queued(reader, "queue", "", 0))
        law(records[-2].id < records[-1].id, "is out of order")
    return records


def decode_later(reader: Reader, _key: str) -> list[Record]:
    """QueuedMsg."""
    return [_queued(reader, "later", "", 0)]


def decode_batch(reader: Reader, key: str) -> list[Record]:
    """Batch: one record for every msg that it holds."""
    reader.xid()  # its client
    granted_at = reader.number("q")
    if reader.version > 1:
        reader.name()  # what that is called
    count = reader.number("I")
    law(count > 0, "holds nothing")
    msgs: list[Record] = []
    for _ in range(count):
        if reader.version < 3:
            msgs.append(_queued(reader, "batch", key, granted_at))
        else:
            before = (msgs[-1].id, msgs[-1].accepted_at) if msgs else (key, granted_at)
            msgs.append(held(reader, key, granted_at, *before))
    return msgs


def held(reader: Reader, batch: str, granted_at: int, id_before: str, before: int) -> Record:
    """Return a msg of a batch, behind another."""
    flags = reader.number("B")
    id, period = reader.near(id_before, flags & OTHER_ORIGIN), reader.short("I")
    extras = _extras_and_payload(reader, flags & ~OTHER_ORIGIN)
    return _waiting(reader, "batch", (id, period, extras), batch, granted_at, before)


def extras_of_report(reader: Reader, flags: int) -> dict[str, Any]:
    """Return what a report has besides."""
    extras = reader.extras(flags)
    if flags & HAS_CLIENT_NAME:
        reader.name()
    if flags & HAS_PAYLOAD_HASH:
        reader.take(16)
    if flags & HAS_RESULT:
        json.loads(reader.text())
    return extras


def decode_report(reader: Reader, key: str) -> list[Record]:
    """ReportRecord."""
    if reader.version > 2:
        flags = reader.number("B")
        order, period = reader.varint(), reader.short("I")
        batch = reader.near(key, flags & OTHER_BATCH)
        reader.near(batch, flags & OTHER_CLIENT)  # its client
    else:
        order = reader.number("Q") if reader.version == 2 else 0
        period, batch, _client = reader.number("I"), reader.xid(), reader.xid()
    accepted_at = reader.instant(xid_second(key) * 1_000_000)
    granted_at = reader.instant(accepted_at)
    reported_at = reader.instant(granted_at)
    attempts, misses = attempts_of(reader)
    if reader.version < 3:
        flags = reader.number("B") if reader.version == 2 else 0
    extras = extras_of_report(reader, flags & ~(OTHER_BATCH | OTHER_CLIENT))
    if reader.version == 1:
        attempts += 1
    return [
        Record(
            "report",
            key,
            period,
            accepted_at,
            misses,
            batch,
            granted_at,
            reported_at,
            attempts,
            order=order,
            **extras,
        )
    ]


def decode_fail(reader: Reader, _key: str) -> list[Record]:
    """FailRecord."""
    order = reader.short("Q") if reader.version > 1 else 0
    id, period, extras = _msg(reader)
    accepted_at = reader.instant(xid_second(id) * 1_000_000)
    failed_at = reader.instant(accepted_at)
    attempts, misses = attempts_of(reader)
    return [
        Record(
            "fail",
            id,
            period,
            accepted_at,
            misses,
            "",
            0,
            failed_at,
            attempts,
            order=order,
            **extras,
        )
    ]


DECODERS: dict[str, Callable[[Reader, str], list[Record]]] = {
    "queue": decode_queue,
    "queues": decode_queue,
    "later": decode_later,
    "batch": decode_batch,
    "report": decode_report,
    "fail": decode_fail,
}


@lru_cache(maxsize=400_000)
def decode(table: str, key: bytes, value: bytes) -> tuple[Record, ...]:
    """Decode one value and check what can be seen of it alone. Most are the same at every look."""
    bucket, prefix = TABLES[table]
    id = xid_text(key[prefix:])
    try:
        reader = Reader(value)
        records = DECODERS[table](reader, id)
        reader.end()
        for record in records:
            law(bucket in ("queue", "batch") or record.id == id, f"names another msg, {record.id}")
            check_history(record)
            queue, due_at = int.from_bytes(key[:prefix], "big"), record.due_at
            if bucket == "queue":
                law(record.queue == queue, f"is of the queue {record.queue}, and lies in {queue}")
            if bucket == "later":
                law(due_at == queue, f"is due at {due_at}, and lies where those of {queue} are")
    except (BrokenLawError, ValueError) as wrong:
        raise BrokenLawError(f"the record {id} in the bucket {table}: {wrong}") from None
    return tuple(records)


# ---- where msgs are, by what the store says of them besides


class Place(NamedTuple):
    """Where a msg waits that is not in the default queue."""

    queue: int
    due_at: int | None


class QueueInfo(NamedTuple):
    """A queue with its counts."""

    paused: bool
    queued: int
    later: int
    reported: int
    failed: int
    name: bytes


def decode_place(value: bytes) -> Place:
    """Return the place of a msg."""
    reader = Reader(value)
    place = Place(reader.number("I"), None if reader.at_end() else reader.number("q"))
    reader.end()
    return place


def decode_key(value: bytes) -> str:
    """Return the id of the msg that is called so."""
    reader = Reader(value)
    id = reader.xid()
    reader.end()
    return id


def decode_queue_info(value: bytes) -> QueueInfo:
    """Return what the store says of a queue."""
    reader = Reader(value)
    paused = reader.number("B")
    law(paused <= 1, f"is paused {paused} times")
    counts = [reader.number("Q") for _ in range(4)]
    info = QueueInfo(bool(paused), *counts, reader.name())
    reader.end()
    return info


def decode_settled(value: bytes) -> list[str]:
    """Return the ids that a record of the order of settling names; empty: a hole."""
    reader = Reader(value)
    law(not reader.at_end(), "names no msg")
    return _ids_left(reader)


def decode_tail(value: bytes) -> tuple[int, list[str]]:
    """Return the place and the ids of what was settled last."""
    reader = Reader(value)
    return reader.varint(), _ids_left(reader)


def _ids_left(reader: Reader) -> list[str]:
    ids = []
    while not reader.at_end():
        raw = reader.take(12)
        ids.append(xid_text(raw) if any(raw) else "")
    return ids


def check_history(record: Record) -> None:
    """The times of a record go on, and no batch held it twice."""
    law(len(set(record.history)) == len(record.history), f"was in one batch twice: {record}")
    spans = [(miss.granted_at, miss.missed_at) for miss in record.misses]
    if record.batch:
        spans.append((record.granted_at, record.ended_at or record.granted_at))
    times = [record.accepted_at, *(time for span in spans for time in span)]
    if record.bucket == "fail":
        times.append(record.ended_at)
    for before, after in pairwise(times):
        law(before <= after + CLOCK_STEP_MS * 1000, f"its times go back: {record}")
