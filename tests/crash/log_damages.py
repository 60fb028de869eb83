"""Ways to damage a log, for the self-test: what a crash must not leave, or a hand must not do."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import lmdb
import xxhash

import log_replay
from log_replay import BLOCK, FRAME, HEADER

SEGMENTS = 4
LESS = 10


class Held(NamedTuple):
    """A record, and where it lies."""

    number: int
    path: Path
    at: int
    bytes: int  # whole blocks


class Log:
    """The log of a copy of a store, whose server was killed."""

    def __init__(self, store: Path, older: Path, earlier: Path) -> None:
        self.store = store
        self.folder = store / "log"
        self.older = older  # as the server before had left it
        self.earlier = earlier  # as it was somewhat earlier
        self.applied = self.meta("log_applied")
        self.records = list(self._records())
        self.tail = [record for record in self.records if record.number > self.applied]

    def _records(self) -> list[Held]:
        id = self.meta("log_id")
        found = []
        for segment in log_replay.segments(self.folder, id, SEGMENTS):
            for number, at, body in log_replay.frames_of(segment, id):
                found.append(Held(number, segment.path, at, log_replay.blocks(len(body))))
        return found

    def meta(self, name: str, becomes: int | None = None) -> int:
        """Return a number of the bucket meta, and set it."""
        with lmdb.open(str(self.store), max_dbs=16, map_size=64 << 20) as env:
            table = env.open_db(b"meta", create=False)
            with env.begin(db=table, write=True) as txn:
                number = int.from_bytes(txn.get(name.encode()) or b"", "little")
                if becomes is not None:
                    txn.put(name.encode(), becomes.to_bytes(8, "little"))
        return number

    def is_long(self) -> bool:
        """Tell whether it has enough of both, what the store has and what it has not."""
        known = len(self.records) - len(self.tail)
        return known > LESS and len(self.tail) > 4 * LESS

    def middle(self) -> int:
        """Return the place in the tail of a record that has others of its file on both sides."""
        for i in range(len(self.tail) // 2, len(self.tail) - 1):
            if self.tail[i - 1].path == self.tail[i].path == self.tail[i + 1].path:
                return i
        raise RuntimeError("the run left too short a log")

    def read(self, record: Held) -> bytes:
        """Return the blocks of a record."""
        return record.path.read_bytes()[record.at : record.at + record.bytes]

    def write(self, path: Path, at: int, raw: bytes) -> None:
        """Write over a file."""
        with path.open("r+b") as file:
            file.seek(at)
            file.write(raw)

    def seal(self, path: Path, **fields: int) -> None:
        """Give a segment another header, whose checksum is right."""
        names = ("magic", "form", "segments", "log", "generation", "size", "checksum")
        header = dict(zip(names, HEADER.unpack(path.read_bytes()[: HEADER.size]), strict=True))
        header |= fields
        body = HEADER.pack(*header.values())[:40]
        self.write(path, 0, body + struct.pack("<Q", xxhash.xxh3_64_intdigest(body)))

    def replace(self, folder: Path) -> None:
        """Put another log there."""
        shutil.rmtree(self.folder)
        shutil.copytree(folder, self.folder)


def lose_segment(log: Log) -> None:
    """A file is missing."""
    log.tail[-1].path.unlink()


def lose_all(log: Log) -> None:
    """The folder is missing."""
    shutil.rmtree(log.folder)


def cut_segment(log: Log) -> None:
    """A file ends too early."""
    path = log.tail[0].path
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - BLOCK)


def empty_segment(log: Log) -> None:
    """A file has its name and nothing else."""
    log.tail[0].path.write_bytes(b"")


def flip_header(log: Log) -> None:
    """One bit of a header is wrong."""
    path = log.tail[0].path
    log.write(path, 24, bytes((path.read_bytes()[24] ^ 1,)))


def other_log(log: Log) -> None:
    """A file is of another log."""
    path = log.tail[0].path
    log.seal(path, log=log.meta("log_id") ^ 1)


def other_id(log: Log) -> None:
    """The store wants another log than the one that is there."""
    log.meta("log_id", log.meta("log_id") + 1)


def segment_twice(log: Log) -> None:
    """One file is there under two names, and another one is gone."""
    path = log.tail[-1].path
    others = (log.folder / f"segment.{i}" for i in range(SEGMENTS))
    shutil.copy(path, next(other for other in others if other != path))


def other_generation(log: Log) -> None:
    """A file has records of another use of it than its header says."""
    for i in range(SEGMENTS):
        path = log.folder / f"segment.{i}"
        log.seal(path, generation=100 + i)


def hole(log: Log) -> None:
    """A record lacks, and others stand behind it."""
    record = log.tail[log.middle()]
    log.write(record.path, record.at, bytes(record.bytes))


def flip_body(log: Log) -> None:
    """One bit of a record is wrong."""
    record = log.tail[log.middle()]
    log.write(record.path, record.at + FRAME.size + 9, bytes((log.read(record)[33] ^ 16,)))


def close_up(log: Log) -> None:
    """A record lacks, and those behind it have moved up."""
    at = log.middle()
    gone = log.tail[at]
    behind = [record for record in log.tail[at + 1 :] if record.path == gone.path]
    moved = b"".join(log.read(record) for record in behind)
    log.write(gone.path, gone.at, moved + bytes(gone.bytes))


def exchange(log: Log) -> None:
    """Two records have changed their places."""
    at = log.middle()
    first, second = log.tail[at], log.tail[at + 1]
    log.write(first.path, first.at, log.read(second) + log.read(first))


def lose_end(log: Log) -> None:
    """The last records lack, though they were acknowledged."""
    for record in log.tail[len(log.tail) // 2 :]:
        log.write(record.path, record.at, bytes(record.bytes))


def lose_tail(log: Log) -> None:
    """All records that the store does not have lack."""
    for record in log.tail:
        log.write(record.path, record.at, bytes(record.bytes))


def applied_beyond(log: Log) -> None:
    """The store says that it has what is in the log alone."""
    log.meta("log_applied", log.tail[-1].number)


def applied_less(log: Log) -> None:
    """The store says that it lacks what it has."""
    log.meta("log_applied", log.applied - LESS)


def applied_far_less(log: Log) -> None:
    """The store lacks what no log has."""
    log.meta("log_applied", log.records[0].number - 2)


def forget_log(log: Log) -> None:
    """The store says that it has no log."""
    log.meta("log_open", 0)


def older_log(log: Log) -> None:
    """The log is that of the server before."""
    log.replace(log.older)


def earlier_log(log: Log) -> None:
    """The log is as it was somewhat earlier."""
    log.replace(log.earlier)


LOST = "and lost|is lost|and held|the store has"
TWICE = "is put, and there already|is dropped"
DAMAGES: dict[Callable[[Log], None], str] = {
    lose_segment: "is missing",
    lose_all: "is missing",
    cut_segment: "is of another log",
    empty_segment: "has no header",
    flip_header: "the header of .* is damaged",
    other_log: "is of another log",
    other_id: "is of another log",
    segment_twice: "is there twice",
    other_generation: LOST,
    hole: "has a record behind its end",
    flip_body: "has a record behind its end",
    close_up: "comes behind",
    exchange: "comes behind",
    lose_end: LOST,
    lose_tail: LOST,
    applied_beyond: LOST,
    applied_less: TWICE,
    applied_far_less: "the log goes on with",
    forget_log: LOST,
    older_log: "is of another log",
    earlier_log: LOST,
}
