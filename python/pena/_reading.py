"""Records that are read page by page while somebody iterates over them."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar

from pena._asking import MOST_RECORDS, Asking, Plan, Poll
from pena._json_answers import Page, Said, Settled, page_of_settled, settled_since
from pena._watch import Watch
from pena.records import FailRecord, ReportRecord

R = TypeVar("R")
_Page = tuple[list[R], int]
"""Records, and the place to go on from once they are handed out."""


class Pages(Protocol[R]):
    """Where an iteration's records come from."""

    def more(self) -> Plan[_Page[R] | None]:
        """Read the next page, which may be empty; None where there is none."""


class ReportsSince:
    """Reports of a queue in the order of settling."""

    def __init__(self, asking: Asking, queue: str, since: int, follow: bool) -> None:
        """`follow`: go on with what is still to be settled."""
        self._asking = asking
        self._target = f"/report?records=1&queue={queue}"
        self._since = since
        self._follow = follow
        self._poll = Poll()

    def more(self) -> Plan[_Page[ReportRecord] | None]:
        """Read the next page."""

        def read(said: Said) -> Settled:
            return settled_since(said, "report", self._since)

        while True:
            target = f"{self._target}&since={self._since}"
            page = yield from self._asking.page(target, MOST_RECORDS, read)
            if page.next != self._since:
                self._since = page.next
                self._poll.has_come()
                return page.has, self._since
            if not self._follow:
                return None
            yield from self._poll.pause()


class ReportsOf:
    """Reports of some msgs, as they come."""

    def __init__(self, watch: Watch, follow: bool) -> None:
        """`follow`: until none is open."""
        self._watch = watch
        self._follow = follow
        self._told = 0
        self._over = False

    def more(self) -> Plan[_Page[ReportRecord] | None]:
        """Read what has come since."""
        if self._over:
            return None
        while True:
            self._over = not (yield from self._watch.step(None)) or not self._follow
            reported = self._watch.reported()[self._told :]
            if reported or self._over:
                self._told += len(reported)
                return sorted(reported, key=lambda record: record.reported_at), 0
            yield from self._watch.poll.pause()


class Fails:
    """Fail records of a queue in the order of ids."""

    def __init__(self, asking: Asking, queue: str, error: str | None) -> None:
        """`error`: that of the last miss, whole, or how it begins where it ends in ``*``."""
        self._asking = asking
        self._target = f"/fail?records=1&queue={queue}"
        self._after: str | None = ""
        self._error = error

    def more(self) -> Plan[_Page[FailRecord] | None]:
        """Read the next page."""
        if (after := self._after) is None:
            return None

        def read(said: Said) -> Page:
            return page_of_settled(after, said, "fail")

        more = f"&after={after}" if after else ""
        page = yield from self._asking.page(self._target + more, MOST_RECORDS, read)
        self._after = page.next
        return [record for record in page.has if self._matches(record)], 0

    def _matches(self, record: FailRecord) -> bool:
        if self._error is None:
            return True
        last = record.errors[-1] if record.errors else ""
        if self._error.endswith("*"):
            return last.startswith(self._error[:-1])
        return last == self._error


class _Handed(Generic[R]):
    """What is read and not handed out yet."""

    def __init__(self, pages: Pages[R], since: int) -> None:
        self._pages = pages
        self._page: deque[R] = deque()
        self._next = since
        self._since = since

    @property
    def since(self) -> int:
        """The place up to which all is handed out: with it `results` goes on in another run.

        It moves by pages. So whoever keeps it after the work on each record gets some records
        again, and loses none.
        """
        return self._since

    def _read(self, page: _Page[R]) -> None:
        self._page.extend(page[0])
        self._next = page[1]
        if not self._page:
            self._since = self._next

    def _hand_out(self) -> R:
        record = self._page.popleft()
        if not self._page:
            self._since = self._next
        return record


class Reading(_Handed[R], Iterator[R]):
    """Iterates over records; each page is read when it is wanted. One thread at a time."""

    def __init__(self, pages: Pages[R], run: Callable[[Plan[Any]], Any], since: int = 0) -> None:
        """Not for users: a `Queue` makes it."""
        super().__init__(pages, since)
        self._run = run

    def __next__(self) -> R:
        while not self._page:
            page = self._run(self._pages.more())
            if page is None:
                raise StopIteration
            self._read(page)
        return self._hand_out()


class AsyncReading(_Handed[R], AsyncIterator[R]):
    """Iterates over records without blocking the loop. One task at a time."""

    def __init__(
        self, pages: Pages[R], run: Callable[[Plan[Any]], Awaitable[Any]], since: int = 0
    ) -> None:
        """Not for users: an `AsyncQueue` makes it."""
        super().__init__(pages, since)
        self._run = run

    async def __anext__(self) -> R:
        while not self._page:
            page = await self._run(self._pages.more())
            if page is None:
                raise StopAsyncIteration
            self._read(page)
        return self._hand_out()
