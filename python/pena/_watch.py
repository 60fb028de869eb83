"""Following msgs until they are settled."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from typing import Any

from pena._asking import MOST_RECORDS, Asking, Plan, Poll, Request, TimeUpError
from pena._json_records import fail_record, report_record, settled_of_story
from pena._settings import refused, shown
from pena.errors import SettingsError
from pena.records import FailRecord, ReportRecord
from pena.standing import Waited
from pena.xid import XID_EXPECTED, is_xid, one_before

_FIRST_CHECK, _LONGEST_CHECK = 1.0, 30.0  # seconds
# To ask for one msg costs as much as to pass over so many on a page: of records, of ids.
_RECORDS_A_REQUEST, _IDS_A_REQUEST = 30, 300


def ids_of(ids: Iterable[str]) -> list[str]:
    """Return the ids that a user gives, each once. Raises SettingsError for what is none."""
    if isinstance(ids, (str, bytes)) or not isinstance(ids, Iterable):
        raise refused("ids", ids, "several ids, such as submit returns")
    several = list(dict.fromkeys(ids))
    for id in several:
        if not is_xid(id):
            raise SettingsError(f"ids has {shown(id)}; expected {XID_EXPECTED}")
    return several


class Watch:
    """What became of some msgs of one queue, as far as it was told."""

    def __init__(self, asking: Asking, queue: str, ids: Iterable[str]) -> None:
        """Raises SettingsError for what is no id."""
        self._asking = asking
        self._queue = queue
        self._ids = ids_of(ids)
        self._open = dict.fromkeys(self._ids)
        self._done: dict[str, ReportRecord] = {}
        self._failed: dict[str, FailRecord] = {}
        self._unknown: set[str] = set()
        self._since = {"report": 0, "fail": 0}
        self._looked = self._forgotten = False
        self.poll = Poll()
        """The wait for the next step."""
        self._check = _FIRST_CHECK
        self._check_at = 0.0

    def wait(self, until: float | None) -> Plan[Waited]:
        """Follow them until all are settled, or up to `until` on the monotonic clock."""
        try:
            while (yield from self.step(until)) and not _is_up(until):
                yield from self.poll.pause(until)
        except TimeUpError:
            pass  # what is not told is open
        ids = self._ids
        return Waited(
            tuple(self._done[id] for id in ids if id in self._done),
            tuple(self._failed[id] for id in ids if id in self._failed),
            tuple(self._open),
            tuple(id for id in ids if id in self._unknown),
        )

    def step(self, until: float | None) -> Plan[bool]:
        """Ask what has settled since the last step. Returns whether some are open still."""
        if self._open and not self._looked:
            yield from self._look(until)
            self._looked = True
            self._check_at = time.monotonic() + self._check
        elif self._open:
            before = len(self._open)
            for bucket in self._since:
                yield from self._follow(bucket, until)
            if len(self._open) < before:
                self.poll.has_come()
            if self._forgotten or time.monotonic() >= self._check_at:
                self._forgotten = False
                yield from self._find(until)
                self._check = min(2 * self._check, _LONGEST_CHECK)
                self._check_at = time.monotonic() + self._check
        return bool(self._open)

    def reported(self) -> list[ReportRecord]:
        """Return those that are done so far, in the order in which they were told."""
        return list(self._done.values())

    def _look(self, until: float | None) -> Plan[None]:
        """Find what is settled already; what settles from here on is told by `_follow`."""
        firsts = {}
        for bucket in self._since:
            said = yield from self._get(f"/{bucket}?since=0&limit=1", until, "first")
            firsts[bucket] = said["first"]
        stats = yield from self._get(f"/stats?queue={self._queue}", until)
        # So many records stand at places from `first` on, so the last one has at least this place.
        self._since = {
            bucket: max(firsts[bucket] + stats[f"{bucket}s"] - 1, 0) for bucket in self._since
        }
        row = stats["queues"][0] if stats["queues"] else {"reported": 0, "failed": 0}
        if row["reported"] + row["failed"] <= _RECORDS_A_REQUEST * len(self._open):
            for bucket in self._since:
                yield from self._records_between(bucket, until)
        yield from self._find(until)

    def _records_between(self, bucket: str, until: float | None) -> Plan[None]:
        """Page from the lowest id that is open to the highest."""
        if not self._open:
            return
        after, last = one_before(min(self._open)), max(self._open)
        while after < last:
            target = f"/{bucket}?records=1&queue={self._queue}&after={after}"
            said = yield from self._asking.page(target, MOST_RECORDS, "records", until=until)
            self._take(bucket, said["records"])
            after = said.get("next", last)

    def _follow(self, bucket: str, until: float | None) -> Plan[None]:
        """Page through what has settled since, in the order of settling.

        Where others settle as fast as it reads, there is no end of it: `until` is one.
        """
        while self._open:
            since = self._since[bucket]
            target = f"/{bucket}?records=1&queue={self._queue}&since={since}"
            said = yield from self._asking.page(target, MOST_RECORDS, "records", until=until)
            self._take(bucket, said["records"])
            # Records that went before they were told may have been of these msgs.
            self._forgotten |= since < said["first"] - 1
            self._since[bucket] = max(said["next"], said["first"] - 1)
            if said["next"] == since or _is_up(until):
                return

    def _take(self, bucket: str, records: Iterable[dict[str, Any]]) -> None:
        for said in records:
            if said["id"] in self._open:
                self._settle(report_record(said) if bucket == "report" else fail_record(said))

    def _settle(self, record: ReportRecord | FailRecord) -> None:
        del self._open[record.id]
        if isinstance(record, ReportRecord):
            self._done[record.id] = record
        else:
            self._failed[record.id] = record

    def _find(self, until: float | None) -> Plan[None]:
        """Find out which of those that are open nobody knows: they would never be settled."""
        if not self._open:
            return
        stats = yield from self._get(f"/stats?queue={self._queue}", until)
        row = stats["queues"][0] if stats["queues"] else {"queued": 0, "later": 0, "held": 0}
        waiting: set[str] = set()
        if row["queued"] + row["later"] + row["held"] <= _IDS_A_REQUEST * len(self._open):
            for bucket in ("queue", "later"):
                yield from self._ids_of_pages(bucket, waiting, until)
            yield from self._held(waiting, until)
        # Those that have settled between the looks are told by the page, be they ever so many. One
        # that moved otherwise is in neither look, and is asked for like the others.
        if not waiting.issuperset(self._open):
            for bucket in self._since:
                yield from self._follow(bucket, until)
        for id in [id for id in self._open if id not in waiting]:
            if self._looked and _is_up(until):  # the first look is a whole one
                return
            yield from self._ask_for(id, until)

    def _ids_of_pages(self, bucket: str, found: set[str], until: float | None) -> Plan[None]:
        target = f"/{bucket}?queue={self._queue}"
        more = ""
        while True:
            said = yield from self._get(target + more, until)
            found.update(said["ids"])
            if "next" not in said:
                return
            more = f"&after={said['next']}"

    def _held(self, found: set[str], until: float | None) -> Plan[None]:
        more = ""
        while True:
            said = yield from self._get(f"/batch?queue={self._queue}{more}", until)
            for batch in said["batches"]:
                found.update(batch["ids"])
            if "next" not in said:
                return
            more = f"&after={said['next']}"

    def _ask_for(self, id: str, until: float | None) -> Plan[None]:
        answer = yield from self._asking.ask(Request("GET", f"/task/{id}"), until=until)
        if answer.status == 404:
            del self._open[id]
            self._unknown.add(id)
            return
        said = answer.json()
        queue = said.get("queue", "default")
        if queue != self._queue:
            raise SettingsError(
                f"ids has {id}, a msg of the queue {queue}; expected those of {self._queue}"
            )
        if (record := settled_of_story(said)) is not None:
            self._settle(record)

    def _get(self, target: str, until: float | None, *keys: str) -> Plan[dict[str, Any]]:
        return (yield from self._asking.json(Request("GET", target), *keys, until=until))


def _is_up(until: float | None) -> bool:
    return until is not None and time.monotonic() >= until


def cut(ids: Collection[str], most: int) -> Iterable[list[str]]:
    """Cut ids into pieces of `most` at most."""
    several = list(ids)
    return (several[at : at + most] for at in range(0, len(several), most))
