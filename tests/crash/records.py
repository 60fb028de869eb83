"""The records of a store, decoded from cpp/store/format.hpp, without a line of Pena."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import xxhash

BUCKETS = ("queue", "batch", "report", "fail")
REASONS = ("omitted", "failed", "refused", "dropped", "expired")
RECORD_VERSION = 1
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

    @property
    def history(self) -> list[str]:
        """The batches of its attempts, in order."""
        missed = [miss.batch for miss in self.misses]
        return [*missed, self.batch] if self.batch else missed


def xid_text(raw: bytes) -> str:
    """Write an id as Pena does: base32hex in small letters, 20 characters."""
    law(len(raw) == 12, f"a key has {len(raw)} bytes, expected 12")
    return base64.b32hexencode(raw).decode().lower().rstrip("=")


def xid_second(text: str) -> int:
    """Return the second in which an id was made."""
    return int.from_bytes(base64.b32hexdecode(text[:8].upper())[:4], "big")


class Reader:
    """The bytes of one record, read in order and never behind their end."""

    def __init__(self, value: bytes) -> None:
        law(len(value) >= 5, "is shorter than its header")
        version, checksum = struct.unpack_from("<BI", value)
        law(version == RECORD_VERSION, f"has version {version}")
        self._body = value[5:]
        expected = xxhash.xxh3_64_intdigest(self._body, seed=version) & 0xFFFFFFFF
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

    def text(self) -> bytes:
        """Return bytes with their length before them."""
        return self.take(self.number("I"))

    def misses(self) -> tuple[Miss, ...]:
        """Return the misses that a record ends with."""
        return tuple(self._miss() for _ in range(self.number("H")))

    def _miss(self) -> Miss:
        batch, client = self.xid(), self.xid()
        granted_at, missed_at = self.number("q"), self.number("q")
        reason = self.number("B")
        law(1 <= reason <= len(REASONS), f"has no such reason: {reason}")
        self.text()  # what the client said
        return Miss(batch, client, granted_at, missed_at, REASONS[reason - 1])

    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self._at == len(self._body)

    def end(self) -> None:
        """Nothing may be left."""
        law(self.at_end(), "goes on behind its end")


def _msg(reader: Reader) -> tuple[str, int]:
    id, period = reader.xid(), reader.number("I")
    payload = reader.text()
    if payload:
        json.loads(payload)
    return id, period


def _queued(reader: Reader, bucket: str, batch: str, granted_at: int) -> Record:
    id, period = _msg(reader)
    accepted_at, _queued_at = reader.number("q"), reader.number("q")
    return Record(bucket, id, period, accepted_at, reader.misses(), batch, granted_at, 0)


def decode_queue(reader: Reader, key: str) -> list[Record]:
    """QueuedMsg+: the key is the first one's id."""
    records = [_queued(reader, "queue", "", 0)]
    law(records[0].id == key, f"begins with another msg, {records[0].id}")
    while not reader.at_end():
        records.append(_queued(reader, "queue", "", 0))
        law(records[-2].id < records[-1].id, "is out of order")
    return records


def decode_batch(reader: Reader, key: str) -> list[Record]:
    """Batch: one record for every msg that it holds."""
    reader.xid()  # its client
    granted_at, count = reader.number("q"), reader.number("I")
    law(count > 0, "holds nothing")
    return [_queued(reader, "batch", key, granted_at) for _ in range(count)]


def decode_report(reader: Reader, key: str) -> list[Record]:
    """ReportRecord."""
    period, batch, _client = reader.number("I"), reader.xid(), reader.xid()
    accepted_at, granted_at, reported_at = (reader.number("q") for _ in range(3))
    return [
        Record("report", key, period, accepted_at, reader.misses(), batch, granted_at, reported_at)
    ]


def decode_fail(reader: Reader, _key: str) -> list[Record]:
    """FailRecord."""
    id, period = _msg(reader)
    accepted_at, failed_at = reader.number("q"), reader.number("q")
    return [Record("fail", id, period, accepted_at, reader.misses(), "", 0, failed_at)]


DECODERS: dict[str, Callable[[Reader, str], list[Record]]] = {
    "queue": decode_queue,
    "batch": decode_batch,
    "report": decode_report,
    "fail": decode_fail,
}


@lru_cache(maxsize=400_000)
def decode(bucket: str, key: bytes, value: bytes) -> tuple[Record, ...]:
    """Decode one value and check what can be seen of it alone. Most are the same at every look."""
    id = xid_text(key)
    try:
        reader = Reader(value)
        records = DECODERS[bucket](reader, id)
        reader.end()
        for record in records:
            law(bucket in ("queue", "batch") or record.id == id, f"names another msg, {record.id}")
            _check_history(record)
    except (BrokenLawError, ValueError) as wrong:
        raise BrokenLawError(f"the record {id} in the bucket {bucket}: {wrong}") from None
    return tuple(records)


def _check_history(record: Record) -> None:
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
