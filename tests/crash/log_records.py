"""The records of a change set in the log, decoded from cpp/store/change_bytes.hpp.

Each is written as what differs from the one before it.
"""

from __future__ import annotations

from typing import NamedTuple

from records import (
    HAS_KEY,
    HAS_MAX_RESENDS,
    HAS_PAYLOAD_HASH,
    HAS_QUEUE,
    HAS_RESULT,
    OTHER_ORIGIN,
    Reader,
    Record,
    attempts_of,
    extras_of_report,
    held,
    law,
    xid_second,
)


def queued(reader: Reader, bucket: str, id_before: str, accepted_before: int) -> Record:
    """Return a msg that waits, as a change set has it behind another."""
    msg = held(reader, "", 0, id_before, accepted_before)
    return msg._replace(bucket=bucket)


class Shared(NamedTuple):
    """What the reports of one batch at one time share, in a change set."""

    batch: str
    client: str
    granted_at: int
    reported_at: int
    client_name: bytes


def shared(reader: Reader, batch: str) -> Shared:
    """Return what a change set says of the reports that follow."""
    client = reader.xid()
    granted_at = reader.differing(xid_second(batch) * 1_000_000)
    return Shared(batch, client, granted_at, reader.differing(granted_at), reader.name())


def report_of(reader: Reader, shared: Shared, id_before: str, accepted_before: int) -> Record:
    """Return one of these reports, as a change set has it behind another msg."""
    flags = reader.number("B")
    known = HAS_QUEUE | HAS_MAX_RESENDS | HAS_KEY | HAS_PAYLOAD_HASH | HAS_RESULT | OTHER_ORIGIN
    law(flags & ~known == 0, f"has flags that nobody knows: {flags}")
    id, period = reader.near(id_before, flags & OTHER_ORIGIN), reader.short("I")
    accepted_at = reader.differing(accepted_before)
    attempts, misses = attempts_of(reader)
    extras = extras_of_report(reader, flags)
    return Record(
        "report",
        id,
        period,
        accepted_at,
        misses,
        shared.batch,
        shared.granted_at,
        shared.reported_at,
        attempts,
        **extras,
    )
