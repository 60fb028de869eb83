"""Following msgs until they are settled."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import TypeVar

from pena import _json_answers as answers
from pena._asking import MOST_RECORDS, Asking, Plan, Poll, Request, TimeUpError
from pena._json_answers import Counts, Page, Said, Settled
from pena._settings import refused, shown
from pena.errors import SettingsError
from pena.records import FailRecord, ReportRecord
from pena.standing import Waited
from pena.xid import XID_EXPECTED, is_xid, one_before

_T = TypeVar("_T")
_FIRST_CHECK, _LONGEST_CHECK = 1.0, 30.0  # seconds
# To ask for one msg costs as much as to pass over so many on a page: of records, of ids.
_RECORDS_A_REQUEST, _IDS_A_REQUEST = 30, 300


def ids_of(ids: Iterable[str]) -> list[str]:
    """Return the ids that a user gives, each once. Raises SettingsError for what is none."""
    if isinstance(ids, (str, bytes)) or not isinstance(ids, Iterable):
        raise refused("ids", ids, "several ids, such as ['dc2933fbave5109cvn2g']")
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
            firsts[bucket] = yield from self._get(
                f"/{bucket}?since=0&limit=1", lambda said: answers.number(said, "first", 1), until
            )
        counts = yield from self._counts(until)
        # So many records stand at places from `first` on, so the last one has at least this place.
        self._since = {bucket: firsts[bucket] + counts.kept[bucket] - 1 for bucket in self._since}
        settled = counts.queue.reported + counts.queue.failed
        if settled <= _RECORDS_A_REQUEST * len(self._open):
            for bucket in self._since:
                yield from self._records_between(bucket, until)
        yield from self._find(until)

    def _records_between(self, bucket: str, until: float | None) -> Plan[None]:
        """Page from the lowest id that is open to the highest."""
        if not self._open:
            return
        after, last = one_before(min(self._open)), max(self._open)

        def read(said: Said) -> Page:
            return answers.page_of_settled(after, said, bucket, self._open)

        while after < last:
            target = f"/{bucket}?records=1&queue={self._queue}&after={after}"
            page = yield from self._asking.page(target, MOST_RECORDS, read, until=until)
            self._take(page.has)
            after = last if page.next is None else page.next

    def _follow(self, bucket: str, until: float | None) -> Plan[None]:
        """Page through what has settled since, in the order of settling.

        Where others settle as fast as it reads, there is no end of it: `until` is one.
        """

        def read(said: Said) -> Settled:
            return answers.settled_since(said, bucket, since, self._open)

        while self._open:
            since = self._since[bucket]
            target = f"/{bucket}?records=1&queue={self._queue}&since={since}"
            page = yield from self._asking.page(target, MOST_RECORDS, read, until=until)
            self._take(page.has)
            # Records that went before they were told may have been of these msgs.
            self._forgotten |= since < page.first - 1
            self._since[bucket] = max(page.next, page.first - 1)
            if page.next == since or _is_up(until):
                return

    def _take(self, records: Iterable[ReportRecord | FailRecord]) -> None:
        for record in records:
            if record.id in self._open:
                self._settle(record)

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
        stats = (yield from self._counts(until)).queue
        waiting: set[str] = set()
        if stats.queued + stats.later + stats.held <= _IDS_A_REQUEST * len(self._open):
            for bucket in ("queue", "later"):
                yield from self._ids_of(bucket, answers.page_of_ids, waiting, until)
            yield from self._ids_of("batch", answers.page_of_held, waiting, until)
        # Those that have settled between the looks are told by the page, be they ever so many. One
        # that moved otherwise is in neither look, and is asked for like the others.
        if not waiting.issuperset(self._open):
            for bucket in self._since:
                yield from self._follow(bucket, until)
        for id in [id for id in self._open if id not in waiting]:
            if self._looked and _is_up(until):  # the first look is a whole one
                return
            yield from self._ask_for(id, until)

    def _ids_of(
        self,
        bucket: str,
        page_of: Callable[[str, Said], Page],
        found: set[str],
        until: float | None,
    ) -> Plan[None]:
        target = f"/{bucket}?queue={self._queue}"
        after: str | None = ""
        while after is not None:
            more = f"&after={after}" if after else ""
            page = yield from self._get(target + more, partial(page_of, after), until)
            found.update(page.has)
            after = page.next

    def _ask_for(self, id: str, until: float | None) -> Plan[None]:
        answer = yield from self._asking.ask(Request("GET", f"/task/{id}"), until=until)
        if answer.is_unknown:
            del self._open[id]
            self._unknown.add(id)
            return
        queue, record = answer.told(lambda said: answers.settled_or_not(said, id))
        if queue != self._queue:
            raise SettingsError(
                f"ids has {id}, a msg of the queue {queue}; expected those of {self._queue}"
            )
        if record is not None:
            self._settle(record)

    def _counts(self, until: float | None) -> Plan[Counts]:
        def read(said: Said) -> Counts:
            return answers.counts(said, self._queue)

        return (yield from self._get(f"/stats?queue={self._queue}", read, until))

    def _get(self, target: str, read: Callable[[Said], _T], until: float | None) -> Plan[_T]:
        return (yield from self._asking.told(Request("GET", target), read, until=until))


def _is_up(until: float | None) -> bool:
    return until is not None and time.monotonic() >= until


def cut(ids: Collection[str], most: int) -> Iterable[list[str]]:
    """Cut ids into pieces of `most` at most."""
    several = list(ids)
    return (several[at : at + most] for at in range(0, len(several), most))
