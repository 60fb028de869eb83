"""Shows that the checker sees: damages a sound store in every way that a crash must not."""

from __future__ import annotations

import argparse
import random
import re
import shutil
import signal
import struct
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import lmdb
import xxhash

import checker
import log_damages
import records
from load import Load
from pena_server import MAX_RESENDS, Site, free_port, say, workspace

Damage = Callable[["Store"], None]
# What queue_info says of a queue: not paused, no msgs, no name.
NOTHING = bytes(34)
TRIES = 10
# Where the store has what was reported last.
TAIL = b"reported_tail"


def raw_xid(text: str) -> bytes:
    """Return the 12 bytes of an id."""
    number = 0
    for letter in text:
        number = number << 5 | int(letter, 32)
    return (number >> 4).to_bytes(12, "big")


def varint(number: int) -> bytes:
    """Return a number as version 3 of a record has it."""
    groups = bytearray()
    while number >= 128:
        groups.append(number & 127 | 128)
        number >>= 7
    return bytes((*groups, number))


def sealed(body: bytes) -> bytes:
    """Return the value with this body: version and checksum before it."""
    checksum = xxhash.xxh3_64_intdigest(body, seed=records.RECORD_VERSION) & 0xFFFFFFFF
    return struct.pack("<BI", records.RECORD_VERSION, checksum) + body


class Store:
    """A copy of a store, to be damaged."""

    def __init__(self, folder: Path, sound: checker.Stored, claims: checker.Claims) -> None:
        self.folder = folder
        self.sound = sound
        self.claims = claims
        self.env = lmdb.open(str(folder), max_dbs=16, map_size=64 << 20)

    def table(self, bucket: str) -> lmdb._Database:
        """Return LMDB's handle of a bucket."""
        return self.env.open_db(bucket.encode(), create=False)

    def get(self, bucket: str, id: str) -> bytes:
        """Return a value."""
        with self.env.begin(db=self.table(bucket)) as txn:
            value = txn.get(raw_xid(id))
        assert isinstance(value, bytes)
        return value

    def put(self, bucket: str, id: str, value: bytes) -> None:
        """Write a value as it is given."""
        table = self.table(bucket)
        with self.env.begin(db=table, write=True) as txn:
            txn.put(raw_xid(id), value)

    def drop(self, bucket: str, id: str) -> None:
        """Delete a value."""
        table = self.table(bucket)
        with self.env.begin(db=table, write=True) as txn:
            assert txn.delete(raw_xid(id))

    def put_raw(self, table: str, key: bytes, value: bytes) -> None:
        """Write a value under any key."""
        with self.env.begin(db=self.table(table), write=True) as txn:
            txn.put(key, value)

    def queue(self) -> dict[str, bytes]:
        """Return the msgs of the bucket queue as they stand in its records."""
        found: dict[str, bytes] = {}
        with self.env.begin(db=self.table("queue")) as txn:
            for key, value in txn.cursor():
                ids = [record.id for record in records.decode("queue", key, value)]
                begins = [*(value.index(raw_xid(id)) for id in ids), len(value)]
                found |= {id: value[a:b] for id, (a, b) in zip(ids, pairwise(begins), strict=True)}
        return found

    def put_queue(self, records: list[list[bytes]]) -> None:
        """Replace the bucket queue by records of these msgs, and count them."""
        table = self.table("queue")
        with self.env.begin(write=True) as txn:
            txn.drop(table, delete=False)
            for msgs in records:
                txn.put(msgs[0][:12], sealed(b"".join(msgs)), db=table)
        before = self.sound.queues[0].queued if 0 in self.sound.queues else 0
        self.count_queued(sum(map(len, records)) - before)

    def count_queued(self, more: int) -> None:
        """Change how many msgs are said to be queued in the default queue."""
        key = bytes(4)
        with self.env.begin(db=self.table("queue_info"), write=True) as txn:
            body = (txn.get(key) or sealed(NOTHING))[5:]
            queued = int.from_bytes(body[1:9], "little") + more
            txn.put(key, sealed(body[:1] + queued.to_bytes(8, "little") + body[9:]))

    def count(self, name: str, more: int) -> None:
        """Change a number of the bucket meta."""
        table = self.table("meta")
        with self.env.begin(db=table, write=True) as txn:
            number = int.from_bytes(txn.get(name.encode()) or b"", "little") + more
            txn.put(name.encode(), number.to_bytes(8, "little"))

    def one(self, bucket: str, *, missed: bool | None = None) -> records.Record:
        """Return some record that the clients know of."""
        for record in self.sound.records.values():
            known = record.id in self.claims.sent and record.bucket == bucket
            if known and missed in (None, bool(record.misses)):
                return record
        raise RuntimeError(f"the run left nothing such in {bucket}")

    def reported(self) -> records.Record:
        """Return a record whose report, of a batch that was named, was answered."""
        ids = (id for id, (batch, _) in self.claims.reported.items() if batch)
        return self.sound.records[next(ids)]


def lose_report(store: Store) -> None:
    """A submitted msg that was reported is gone."""
    store.drop("report", next(id for id in store.claims.reported if id in store.claims.accepted))


def lose_accepted(store: Store) -> None:
    """A submitted msg is gone."""
    msgs = store.queue()
    del msgs[next(id for id in msgs if id in store.claims.accepted)]
    store.put_queue([[msg] for msg in msgs.values()])


def lose_batch(store: Store) -> None:
    """A batch is gone with all that it held."""
    store.drop("batch", store.one("batch").batch)


def queue_reported(store: Store) -> None:
    """A reported msg waits again."""
    record = store.reported()
    store.drop("report", record.id)
    _queue(store, record)


def keep_twice(store: Store) -> None:
    """A reported msg waits, too."""
    _queue(store, store.reported())


def _queue(store: Store, record: records.Record) -> None:
    after = record.accepted_at - records.xid_second(record.id) * 1_000_000
    msgs = store.queue()
    # No flags, no payload; queued when it was accepted; no attempts, no misses.
    rest = varint(record.period) + bytes(2) + varint(2 * after) + bytes(3)
    msgs[record.id] = raw_xid(record.id) + rest
    store.put_queue([[msg] for msg in msgs.values()])


def other_batch(store: Store) -> None:
    """A report is of another batch than the one that was answered."""
    record = store.reported()
    value = store.get("report", record.id)
    reader = records.Reader(value)
    whole = reader.number("B") & records.OTHER_BATCH
    reader.varint()  # order
    reader.varint()  # period
    if whole:
        reader.take(9)
    else:
        reader.varint()  # the second
    at = len(value) - 5 - len(reader.rest())
    store.put(
        "report", record.id, sealed(value[5:][:at] + random.randbytes(3) + value[5:][at + 3 :])
    )


def forget_misses(store: Store) -> None:
    """The attempts of a msg are counted anew."""
    record = store.one("report", missed=True)
    value = store.get("report", record.id)
    reader = records.Reader(value)
    flags = reader.number("B")
    reader.varint()  # order
    reader.varint()  # period
    batch = reader.near(record.id, flags & records.OTHER_BATCH)
    reader.near(batch, flags & records.OTHER_CLIENT)
    for _ in range(3):
        reader.varint()  # instants
    fields = value[5 : len(value) - len(reader.rest())]
    reader.varint()  # attempts
    reader.misses()
    store.put("report", record.id, sealed(fields + bytes((1, 0)) + reader.rest()))


def flip_bit(store: Store) -> None:
    """One bit is wrong."""
    record = store.reported()
    value = bytearray(store.get("report", record.id))
    value[-1] ^= 4
    store.put("report", record.id, bytes(value))


def lose_count(store: Store) -> None:
    """The count of generated msgs is an older one."""
    store.count("generated", -1)


def miscount_queue(store: Store) -> None:
    """The count of queued msgs is another one."""
    store.count_queued(1)


def overlap(store: Store) -> None:
    """A record of the queue begins amid another; no msg is lost, and none is there twice."""
    first, *rest, last = store.queue().values()
    store.put_queue([[first, last], rest])


def forget_order(store: Store) -> None:
    """A report has no place in the order of settling."""
    first, ids, in_tail = _settled_last(store)
    if in_tail:
        with store.env.begin(write=True) as txn:
            txn.put(TAIL, sealed(varint(first) + bytes(12) + ids[12:]))
    else:
        store.put_raw("reported", struct.pack(">Q", first), sealed(bytes(12) + ids[12:]))


def settle_twice(store: Store) -> None:
    """A place in the order of settling is given out twice."""
    first, ids, in_tail = _settled_last(store)
    again = first if in_tail else first + len(ids) // 12 - 1
    store.put_raw("reported", struct.pack(">Q", again), sealed(ids[-12:]))
    if not in_tail and len(ids) == 12:
        raise RuntimeError("the run left one report")


def _settled_last(store: Store) -> tuple[int, bytes, bool]:
    """Return the place and the ids of the tail, or where that is empty of the last record."""
    with store.env.begin() as txn:
        value = txn.get(TAIL)
    assert value is not None
    first, ids = records.decode_tail(value)
    if ids:
        return first, value[-12 * len(ids) :], True
    with store.env.begin(db=store.table("reported")) as txn:
        cursor = txn.cursor()
        assert cursor.last()
        return int.from_bytes(cursor.key(), "big"), cursor.value()[5:], False


def place_nothing(store: Store) -> None:
    """A msg is said to wait in another queue than the default one."""
    store.put_raw("place", raw_xid(store.reported().id), sealed(struct.pack("<I", 7)))


def call_nothing(store: Store) -> None:
    """A key names a msg that is not called so."""
    store.put_raw("key", bytes(4) + b"order 1", sealed(raw_xid(store.reported().id)))


def name_default(store: Store) -> None:
    """The default queue has a name."""
    with store.env.begin(db=store.table("queue_info")) as txn:
        body = (txn.get(bytes(4)) or sealed(NOTHING))[5:]
    store.put_raw("queue_info", bytes(4), sealed(body[:-1] + b"\x01x"))


def hold_settled(store: Store) -> None:
    """A batch is held that was answered as settled."""
    store.claims.settled.add(store.one("batch").batch)


def send_again(store: Store) -> None:
    """An attempt is sent a second time."""
    record = store.one("batch")
    entry = {"sent": ["0" * 20, 0, [[record.id, len(record.misses) + 1]]]}
    store.claims.add(entry)


def report_again(store: Store) -> None:
    """Two reports of one msg are accepted."""
    answer = {"reported": 1, "duplicate": 0, "unknown": 0}
    body = {"batch": "0" * 20, "ids": [store.reported().id]}
    store.claims.add({"report": body, "answer": answer, "at": 0})


def tear_page(store: Store) -> None:
    """A page of LMDB is half an older one."""
    last = store.env.info()["last_pgno"]
    with (store.folder / "data.mdb").open("r+b") as file:
        for page in range(2, last + 1):
            file.seek(page * 4096 + 512)
            file.write(bytes(1024))


# With what the checker must say: the law that this damage breaks, and no other.
DAMAGES: dict[Damage, str] = {
    lose_report: "answered 201, and lost",
    lose_accepted: "answered 201, and lost",
    lose_batch: "and lost|generated msgs",  # where it held some
    queue_reported: "the store has nothing",
    keep_twice: "is in queue and in report",
    other_batch: "was sent in",
    forget_misses: "was sent in",
    flip_bit: "does not match its checksum",
    lose_count: "generated msgs",
    miscount_queue: "queued msgs",
    overlap: "comes behind",
    forget_order: "the order of settling of report is another one",
    settle_twice: "comes behind|order of settling",
    place_nothing: "no such msgs wait there",
    call_nothing: "no msgs are called so",
    name_default: "has the name",
    hold_settled: "answered as settled, and held",
    send_again: "was sent twice as attempt",
    report_again: "were accepted",
    tear_page: "LMDB's pages",
}


def make(pena: Path, folder: Path, seed: int) -> Path:
    """Let a server run under load, kill it, and return its store."""
    site = Site(pena, folder, free_port(random.Random()))
    # Slower to work than to submit, so that msgs wait when the server is killed.
    load = Load(site.port, folder / "journals", seed, submit_pause=0.005, work_pause=0.05)
    try:
        site.start("--rate=400")  # before so much is queued that nothing has to be made
        time.sleep(0.7)
        site.stop(signal.SIGTERM)
        site.start("--no-generate", "--no-log")  # all is in the store, where it is damaged
        time.sleep(0.7)
    finally:
        site.stop(signal.SIGKILL)
        load.end()
    return site.store


def make_with_log(pena: Path, folder: Path, seed: int) -> Path:
    """Kill a server whose log has what its store has not, and return that; with two older logs."""
    folder.mkdir()
    site = Site(pena, folder, free_port(random.Random()))
    load = Load(site.port, folder / "journals", seed, work_pause=0.005)
    older, earlier = folder / "older", folder / "earlier"
    try:
        site.start("--rate=400")
        time.sleep(0.7)
        site.stop(signal.SIGTERM)
        for _ in range(TRIES):
            shutil.rmtree(older, ignore_errors=True)
            shutil.rmtree(earlier, ignore_errors=True)
            shutil.copytree(site.store / "log", older)
            # Segments are made behind the first apply; what comes behind the second waits.
            site.start("--no-generate", "--apply-every=600ms")
            time.sleep(1.4)
            shutil.copytree(site.store / "log", earlier)
            time.sleep(0.25)
            site.stop(signal.SIGKILL)
            if log_damages.Log(site.store, older, earlier).is_long():
                break
        else:
            raise SystemExit("selftest: no server had enough in its log when it was killed")
    finally:
        site.stop(signal.SIGKILL)
        load.end()
    return site.store


def see_log(damage: Callable[[log_damages.Log], None], store: Path) -> str:
    """Return what the checker says of a copy of which the log is damaged."""
    folder = store.parent
    copy = folder / damage.__name__
    shutil.copytree(store, copy)
    claims = checker.Journals(folder / "journals").read()
    damage(log_damages.Log(copy, folder / "older", folder / "earlier"))
    try:
        checker.check(checker.read_store(copy), claims, MAX_RESENDS)
    except records.BrokenLawError as broken:
        return str(broken)
    return ""


def untouched(_log: log_damages.Log) -> None:
    """Nothing is wrong."""


def see(damage: Damage, store: Path, folder: Path) -> str:
    """Return what the checker says of a damaged copy."""
    shutil.copytree(store, folder / damage.__name__)
    copy = folder / damage.__name__
    claims = checker.Journals(folder / "journals").read()
    try:
        sound = checker.read_store(copy)
        checker.check(sound, claims, MAX_RESENDS)
    except records.BrokenLawError as broken:
        raise SystemExit(f"selftest: the store was not sound: {broken}") from None
    it = Store(copy, sound, claims)
    try:
        with it.env:
            damage(it)
        checker.check(checker.read_store(copy), claims, MAX_RESENDS)
    except records.BrokenLawError as broken:
        return str(broken)
    return ""


def main() -> None:
    """Read the command line and run."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pena", type=Path, required=True, help="the command")
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    with workspace("selftest", None) as folder:
        store = make(given.pena.resolve(), folder, given.seed)
        for damage, law in DAMAGES.items():
            seen = see(damage, store, folder)
            say(f"selftest: {damage.__name__}: {seen[:120]}")
            if not re.search(law, seen):
                sys.exit(f"selftest: of {damage.__name__} the checker does not say: {law}")
        store = make_with_log(given.pena.resolve(), folder / "with-log", given.seed)
        if broken := see_log(untouched, store):
            sys.exit(f"selftest: the store with a log was not sound: {broken}")
        for log_damage, law in log_damages.DAMAGES.items():
            seen = see_log(log_damage, store)
            say(f"selftest: {log_damage.__name__}: {seen[:120]}")
            if not re.search(law, seen):
                sys.exit(f"selftest: of {log_damage.__name__} the checker does not say: {law}")
        done = f"{len(DAMAGES)} damages of a store, {len(log_damages.DAMAGES)} of a log"
        print(f"selftest: {done}, all of them seen")
        sys.exit(0)


if __name__ == "__main__":
    main()
