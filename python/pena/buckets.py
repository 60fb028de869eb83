"""The buckets of a store as mappings from id to record, in the order of ids.

They are live: each call reads what is committed at that moment, and a server that runs beside may
change it between two calls.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping, ValuesView
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pena import _pena
from pena._settings import key_text
from pena.records import Batch, FailRecord, NameOf, QueuedMsg, ReportRecord
from pena.stories import Story

_PAGE = 1000

Record = TypeVar("Record")
_Native = TypeVar("_Native")


@dataclass(frozen=True)
class BucketCounts:
    """How many msgs are in each bucket; in `batch`, those that a batch holds."""

    queue: int
    later: int
    batch: int
    report: int
    fail: int

    @property
    def total(self) -> int:
        """All msgs that the store knows."""
        return self.queue + self.later + self.batch + self.report + self.fail


class Bucket(Mapping[str, Record]):
    """One bucket: a read-only mapping from id to record, iterated in the order of ids.

    Ids that a server made are as old as they are high.
    """

    def __init__(
        self,
        name: str,
        find: Callable[[str], Record | None],
        pages: Callable[[], Iterator[list[tuple[str, Record]]]],
        count: Callable[[], int],
    ) -> None:
        """Not for users: `Server` and `Store` make buckets."""
        self._name = name
        self._find = find
        self._pages = pages
        self._count = count

    def __getitem__(self, id: object) -> Record:
        """Return the record of `id`, or raise KeyError."""
        try:
            record = self._find(id) if isinstance(id, str) else None
        except ValueError as no_xid:
            raise KeyError(id) from no_xid
        if record is None:
            raise KeyError(id)
        return record

    def __iter__(self) -> Iterator[str]:
        """Iterate over the ids, in their order."""
        return (id for page in self._pages() for id, _ in page)

    def __len__(self) -> int:
        """Return how many there are now."""
        return self._count()

    def __repr__(self) -> str:
        """Name the bucket and count what is in it."""
        return f"<bucket {self._name}: {len(self)}>"

    def values(self) -> ValuesView[Record]:
        """Return the records, in the order of their ids."""
        return _Values(self)

    def items(self) -> ItemsView[str, Record]:
        """Return pairs of id and record, in the order of the ids."""
        return _Items(self)


class _Values(ValuesView[Record], Generic[Record]):
    """Read in pages, not one by one as the base class does."""

    _mapping: Bucket[Record]

    def __iter__(self) -> Iterator[Record]:
        return (record for page in self._mapping._pages() for _, record in page)


class _Items(ItemsView[str, Record], Generic[Record]):
    _mapping: Bucket[Record]

    def __contains__(self, item: object) -> bool:
        # What is no pair is not in it, as with a dict; the base class takes it apart.
        return isinstance(item, tuple) and len(item) == 2 and super().__contains__(item)

    def __iter__(self) -> Iterator[tuple[str, Record]]:
        return (item for page in self._mapping._pages() for item in page)


class Buckets:
    """The buckets of one store."""

    def __init__(self, native: Callable[[], _pena.Buckets]) -> None:
        """`native` gives the engine's view, or raises."""
        # Closures over `native` and not over this object: no cycle, so what nobody has any more is
        # gone at once, and its port and its store with it.
        self._native = native
        self.queue: Bucket[QueuedMsg] = Bucket(
            "queue",
            lambda id: _found(native, _pena.Buckets.queued, id, QueuedMsg._of),
            lambda: _pages(native(), _pena.Buckets.queue_page, QueuedMsg._of),
            lambda: _counts(native()).queue,
        )
        self.later: Bucket[QueuedMsg] = Bucket(
            "later",
            lambda id: _found(native, _pena.Buckets.later, id, QueuedMsg._of_later),
            lambda: _pages(native(), _pena.Buckets.later_page, QueuedMsg._of_later),
            lambda: _counts(native()).later,
        )
        self.report: Bucket[ReportRecord] = Bucket(
            "report",
            lambda id: _found(native, _pena.Buckets.report, id, ReportRecord._of),
            lambda: _pages(native(), _pena.Buckets.report_page, ReportRecord._of),
            lambda: _counts(native()).report,
        )
        self.fail: Bucket[FailRecord] = Bucket(
            "fail",
            lambda id: _found(native, _pena.Buckets.fail, id, FailRecord._of),
            lambda: _pages(native(), _pena.Buckets.fail_page, FailRecord._of),
            lambda: _counts(native()).fail,
        )
        self.batches: Bucket[Batch] = Bucket(
            "batch",
            lambda id: _found(native, _pena.Buckets.batch, id, Batch._of),
            lambda: iter([_batches(native())]),
            lambda: len(native().batches()),
        )

    def counts(self) -> BucketCounts:
        """Count all of them in one moment."""
        return _counts(self._native())

    def meta(self, key: str) -> int | None:
        """Return a number of the bucket `meta`, or None. SettingsError for what is no text."""
        name = key_text("key", key)
        native = self._native()
        return native.meta(name) if name else None  # LMDB has no empty key

    def story(self, id: str) -> Story | None:
        """Return what is known of a msg, wherever it is; None where nobody knows it."""
        # A msg may move from one bucket to another while they are looked at, and so be found in
        # none of them: a second look finds it.
        return self._look(id) or self._look(id)

    def _look(self, id: str) -> Story | None:
        for waiting in (self.later, self.queue):
            if (msg := waiting.get(id)) is not None:
                return Story._waiting(msg)
        for batch in self.batches.values():
            for held in batch.msgs:
                if held.id == id:
                    return Story._held(held, batch)
        if (record := self.report.get(id)) is not None:
            return Story._reported(record)
        if (failed := self.fail.get(id)) is not None:
            return Story._failed(failed)
        return None


def _counts(native: _pena.Buckets) -> BucketCounts:
    return BucketCounts(*native.counts())


def _batches(native: _pena.Buckets) -> list[tuple[str, Batch]]:
    return [(batch.id, Batch._of(batch, native.queue_name)) for batch in native.batches()]


def _found(
    buckets: Callable[[], _pena.Buckets],
    find: Callable[[_pena.Buckets, str], _Native | None],
    id: str,
    of: Callable[[_Native, NameOf], Record],
) -> Record | None:
    native = buckets()
    found = find(native, id)
    return None if found is None else of(found, native.queue_name)


def _pages(
    native: _pena.Buckets,
    page: Callable[[_pena.Buckets, str | None, int], list[Any]],
    of: Callable[[Any, NameOf], Record],
) -> Iterator[list[tuple[str, Record]]]:
    after = None
    while records := page(native, after, _PAGE):
        after = records[-1].id
        yield [(record.id, of(record, native.queue_name)) for record in records]
