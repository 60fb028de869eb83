"""`Store`: what a server has kept, to look at."""

from __future__ import annotations

import os
from types import TracebackType

from pena import _pena, _settings
from pena.buckets import Bucket, BucketCounts, Buckets
from pena.records import Batch, FailRecord, QueuedMsg, ReportRecord
from pena.stories import Story


class Store:
    """A store opened to be read, also beside a running server, in this process or another.

    >>> with pena.Store("./pena.lmdb") as store:      # doctest: +SKIP
    ...     print(store.counts(), list(store.fail))

    Each read is of all that was acknowledged when it was asked. Beside a server it waits until
    that has taken on what its log has, some milliseconds. After a crash the first read takes that
    on itself, as the next server would, for which it must be able to write there; else it never
    creates or changes anything. All methods raise StoreError once it is closed, or where the store
    cannot be read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open the store in the folder `path`.

        Raises StoreError where there is none, SettingsError for what is no path.
        """
        name = _settings.folder(path)
        self.path = os.fsdecode(name)
        native = self._native = _pena.open_store(name)
        self._buckets = Buckets(lambda: native)

    def __repr__(self) -> str:
        """Name the folder."""
        return f"pena.Store({self.path!r})"

    def __enter__(self) -> Store:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let go of the folder. A second call does nothing."""
        self._native.close()

    @property
    def queue(self) -> Bucket[QueuedMsg]:
        """The msgs that wait for a client, of all queues."""
        return self._buckets.queue

    @property
    def later(self) -> Bucket[QueuedMsg]:
        """The msgs that are not to be sent before a date, in the order of their ids.

        ``GET /later`` has them in the order of their dates.
        """
        return self._buckets.later

    @property
    def batches(self) -> Bucket[Batch]:
        """The batches that clients hold, by the id of the batch."""
        return self._buckets.batches

    @property
    def report(self) -> Bucket[ReportRecord]:
        """The processed msgs."""
        return self._buckets.report

    @property
    def fail(self) -> Bucket[FailRecord]:
        """The failed msgs."""
        return self._buckets.fail

    def counts(self) -> BucketCounts:
        """Count the msgs of all buckets in one moment."""
        return self._buckets.counts()

    def story(self, id: str) -> Story | None:
        """Return what is known of a msg, wherever it is; None where nobody knows it.

        Where it is held all batches are read.
        """
        return self._buckets.story(id)

    def meta(self, key: str) -> int | None:
        """Return a number of the bucket `meta`, such as how many msgs were `generated`.

        None where there is no such number. Raises SettingsError for a key that is no text.
        """
        return self._buckets.meta(key)
