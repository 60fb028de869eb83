"""`Queue`: submits msgs to a server, follows them, and looks after the queue they are in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from types import TracebackType
from typing import Any, TypeVar

from pena._asking import Pause, Plan
from pena._connections import Connections
from pena._queue_plans import QueuePlans, Which, several_payloads
from pena._reading import Reading
from pena._times import Seconds
from pena.errors import NotRunningError
from pena.records import FailRecord, QueuedMsg, ReportRecord
from pena.standing import QueueStats, Waited
from pena.stories import Story

T = TypeVar("T")
_A_LONG_TIME = 3600.0  # seconds; a pause ends sooner, and a lock can be waited for no longer


class Queue:
    """One queue of a server, which may be anywhere.

    >>> import pena
    >>> with pena.Server(generate=False) as server, pena.Queue(server.url, "images") as images:
    ...     ids = images.submit({"url": url} for url in ("a.png", "b.png"))
    ...     print(len(ids), images.stats().queued)
    2 2

    Where the server is away, restarts or has no room, each call tries again for as long as the
    queue has patience; the logger ``pena.queue`` says so once. What is submitted is there once,
    however often the answer was lost. Any thread may call anything; a forked child may go on with
    the queue of its parent.

    All methods raise UnavailableError when the patience is over, RefusedError where the server says
    no, SettingsError for an argument that cannot be, and NotRunningError after `close()`.
    """

    def __init__(
        self,
        url: str,
        name: str = "default",
        *,
        patience: Seconds | None = 60.0,
        request_timeout: Seconds | None = None,
    ) -> None:
        """Check the settings; nothing is asked yet. Raises SettingsError.

        Args:
            url: of the server, ``http://127.0.0.1:8080``.
            name: of the queue: 1 to 64 of ``a-z``, ``0-9``, ``.``, ``_`` and ``-``.
            patience: seconds in which a call that is not answered, or for which the server has no
                room, is tried again. 0 tries once, None tries for ever.
            request_timeout: seconds that one try waits for the server; the last one may end so much
                later than the patience. None: 30, and 600 for `retry` and `discard`, which are
                answered once all is done.
        """
        self._connections = Connections(url)
        self.url = self._connections.url
        self._plans = QueuePlans(self.url, name, patience, request_timeout)
        self.name = name

    def __repr__(self) -> str:
        """Name the queue and its server."""
        return f"<pena.Queue {self.name} of {self.url}>"

    def __enter__(self) -> Queue:
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
        """Close its connections. A second call does nothing.

        A call in another thread that waits for the server ends with UnavailableError.
        """
        self._connections.close()

    def submit(
        self,
        payloads: Iterable[Any],
        *,
        key: Callable[[Any], str] | None = None,
        id: Callable[[Any], str] | None = None,
        delay: Seconds | None = None,
        due: datetime | None = None,
        max_resends: int | None = None,
        period: int | None = None,
    ) -> list[str]:
        """Submit one msg a payload, and return their ids in the same order.

        The payloads are read as they are sent, up to 1,000 or 1 MiB in a request, so a generator
        may give any number. Each request is taken whole; all that is returned is on the disk.

        Args:
            payloads: each anything that ``json.dumps`` takes, with text as keys and finite numbers.
            key: gives the key of a payload, 1 to 200 bytes. A key that is known is not taken again:
                the id that it has is returned.
            id: gives the id of a payload, an xid. Without id and key one is made here.
            delay: seconds before which it is not sent, up to a year.
            due: the same as a datetime with a timezone. Not with `delay`.
            max_resends: how often it is sent again, from 0 to 1000; None: as the server says.
            period: milliseconds, for simulated clients.

        Raises:
            PayloadError: a payload is no JSON, its key is no text, or its id is no xid.
            RefusedError: the server refuses a payload: its id or key is known with something else
                (409), it is too large (413), or not what is expected (400).
            UnavailableError: the patience was over.

        Each tells the `place` of the payload from 0, and in `submitted` the ids of those before it:
        these are accepted. An exception of the iterable, of `key` or of `id` comes through as it
        is, once the payloads before it are accepted.
        """
        several_payloads(payloads)
        submission = self._plans.submission(
            key=key, id=id, delay=delay, due=due, max_resends=max_resends, period=period
        )
        for plan in submission.plans(payloads):
            self._run(plan)
        return submission.ids

    def submit_one(
        self,
        payload: Any,
        *,
        key: str | None = None,
        id: str | None = None,
        delay: Seconds | None = None,
        due: datetime | None = None,
        max_resends: int | None = None,
        period: int | None = None,
    ) -> str:
        """Submit one msg, and return its id. What `submit` says of options and errors holds."""
        submission = self._plans.submission(
            key=None if key is None else lambda _: key,
            id=None if id is None else lambda _: id,
            delay=delay,
            due=due,
            max_resends=max_resends,
            period=period,
            single=True,
        )
        for plan in submission.plans([payload]):
            self._run(plan)
        return submission.ids[0]

    def get(self, *, id: str | None = None, key: str | None = None) -> Story | None:
        """Return what is known of a msg; None where nobody knows it.

        Args:
            id: its id; the msg may be of any queue.
            key: or its key in this queue.
        """
        return self._run(self._plans.get(id, key))

    def wait(self, ids: Iterable[str], *, timeout: Seconds | None = None) -> Waited:
        """Wait until all of these msgs are settled, and return what became of each.

        A msg that nobody knows (any more) is settled too: it is not waited for. At the timeout what
        is still open is returned as such; nothing is raised. A restart of the server is lived
        through, as far as the patience goes.

        Args:
            ids: of msgs of this queue, 100,000 of them as well as one.
            timeout: seconds; 0 looks once, None waits for ever.
        """
        return self._run(self._plans.wait(ids, timeout))

    def results(
        self, *, since: int = 0, ids: Iterable[str] | None = None, follow: bool = False
    ) -> Reading[ReportRecord]:
        """Iterate over what was processed, each with its `result`, in the order of settling.

        The iterator has an attribute `since`: the place to go on from in another run. It counts
        what was handed out. What is forgotten before it is read is passed over.

        Args:
            since: a place that an earlier iterator had; 0 is the first.
            ids: only these msgs of this queue. Without `since`.
            follow: go on with what is reported later: for ever, or with `ids` until all of them
                are settled.
        """
        pages = self._plans.results(since, ids, follow)
        return Reading(pages, self._run, since)

    def failed(self, *, error: str | None = None) -> Reading[FailRecord]:
        """Iterate over what has failed, each with its payload and `errors`, in the order of ids.

        Args:
            error: only those whose last miss has this error or, with a ``*`` at its end, one that
                begins so.
        """
        return Reading(self._plans.failed(error), self._run)

    def retry(
        self,
        *,
        ids: Iterable[str] | None = None,
        error: str | None = None,
        before: datetime | None = None,
        all: bool = False,
        dry_run: bool = False,
    ) -> int:
        """Have failed msgs tried again, and return how many.

        Where an answer was lost it is those that were left for the last try.

        Args:
            ids: these; those that are not there are passed over. Or of this queue:
            error: those whose last miss has this error, or begins so, as in `failed`.
            before: those that failed before this datetime, which has a timezone.
            all: all of them. Expected where nothing else says which.
            dry_run: only count them.
        """
        return self._run(self._plans.retry(ids, error, before, all, dry_run))

    def discard(
        self,
        *,
        which: Which,
        ids: Iterable[str] | None = None,
        error: str | None = None,
        before: datetime | None = None,
        all: bool = False,
        dry_run: bool = False,
    ) -> int:
        """Delete msgs, and return how many. They are known no longer.

        Args:
            which: ``"waiting"``: those that wait to be sent, or to be due, and none that a client
                has; ``"failed"`` or ``"reported"``: what has ended.
            ids: these.
            error: with ``"failed"``: those whose last miss has this error, or begins so.
            before: those that were accepted, failed or were reported before this datetime.
            all: all of them. Expected where nothing else says which.
            dry_run: only count them.
        """
        return self._run(self._plans.discard(which, ids, error, before, all, dry_run))

    def pause(self) -> None:
        """Have nothing granted of this queue, until `resume`. It takes msgs all the same."""
        self._run(self._plans.pause("pause"))

    def resume(self) -> None:
        """Have it go on."""
        self._run(self._plans.pause("resume"))

    def stats(self) -> QueueStats:
        """Return how it stands."""
        return self._run(self._plans.stats())

    def peek(self, limit: int = 10) -> list[QueuedMsg]:
        """Return the msgs that are sent next, at most `limit`. They stay where they are."""
        return self._run(self._plans.peek(limit))

    def _run(self, plan: Plan[T]) -> T:
        """Do a plan's steps in this thread."""
        if self._connections.closed:
            raise NotRunningError(f"the queue {self.name} is closed; make a new one")
        got: Any = None
        try:
            while True:
                step = plan.send(got)
                if isinstance(step, Pause):
                    self._connections.pause(min(step.seconds, _A_LONG_TIME))
                    got = None
                else:
                    got = self._connections.exchange(step)
        except StopIteration as end:
            done: T = end.value
            return done
        finally:
            plan.close()
