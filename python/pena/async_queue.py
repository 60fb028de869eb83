"""`AsyncQueue`: what `Queue` does, for asyncio."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from types import TracebackType
from typing import Any, TypeVar

from pena._asking import Answer, Lost, Pause, Plan, Request
from pena._connections import Connections
from pena._process import Process, this_process
from pena._queue_plans import QueuePlans, Which, several_payloads
from pena._reading import AsyncReading
from pena._times import Seconds
from pena.errors import NotRunningError
from pena.records import FailRecord, QueuedMsg, ReportRecord
from pena.standing import QueueStats, Waited
from pena.stories import Story

T = TypeVar("T")
_MOST_REQUESTS = 8  # that run at one time, each in a thread; further ones wait for their turn


class _Pausing:
    """A call that pauses, in a loop that may be another thread's."""

    def __init__(self) -> None:
        self._process = this_process()
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._over.wait(), seconds)

    def end(self) -> None:
        """End the pause, from any thread."""
        if self._process is this_process():  # what wakes a parent's loop is the parent's, too
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                self._loop.call_soon_threadsafe(self._over.set)


class AsyncQueue:
    """One queue of a server, for asyncio: the methods of `Queue`, with the same arguments.

    They are awaited, and `results` and `failed` are iterated over with ``async for``. The loop goes
    on meanwhile: requests run in a few threads of their own, and waits cost none. A call that is
    cancelled asks nothing further; the request that runs then may still be done.
    """

    def __init__(
        self,
        url: str,
        name: str = "default",
        *,
        patience: Seconds | None = 60.0,
        request_timeout: Seconds | None = None,
    ) -> None:
        """Check the settings, as `Queue` does; nothing is asked yet. Raises SettingsError."""
        self._connections = Connections(url)
        self.url = self._connections.url
        self._plans = QueuePlans(self.url, name, patience, request_timeout)
        self.name = name
        # By the process that they are of: a fork copies no threads.
        self._threads: dict[Process, ThreadPoolExecutor] = {}
        self._pauses: set[_Pausing] = set()

    def __repr__(self) -> str:
        """Name the queue and its server."""
        return f"<pena.AsyncQueue {self.name} of {self.url}>"

    async def __aenter__(self) -> AsyncQueue:
        """Return itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        await self.close()

    async def close(self) -> None:
        """Close its connections, once the requests that run are answered.

        A call in another task that waits for the server ends with UnavailableError.
        """
        self._connections.close()
        with contextlib.suppress(KeyError):
            while True:
                self._pauses.pop().end()
        threads = self._threads.pop(this_process(), None)
        if threads is not None:
            # Not of the pool itself, which waits here for its own end.
            await asyncio.get_running_loop().run_in_executor(None, threads.shutdown)

    async def submit(
        self,
        payloads: Iterable[Any] | AsyncIterable[Any],
        *,
        key: Callable[[Any], str] | None = None,
        id: Callable[[Any], str] | None = None,
        delay: Seconds | None = None,
        due: datetime | None = None,
        max_resends: int | None = None,
        period: int | None = None,
    ) -> list[str]:
        """Submit one msg a payload, as `Queue.submit` does; `payloads` may be asynchronous.

        It is read in the loop, between the requests.
        """
        several_payloads(payloads, may_be_asynchronous=True)
        submission = self._plans.submission(
            key=key, id=id, delay=delay, due=due, max_resends=max_resends, period=period
        )
        async for plan in submission.plans_of_either(payloads):
            await self._run(plan)
        return submission.ids

    async def submit_one(
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
        """Submit one msg, and return its id, as `Queue.submit_one` does."""
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
            await self._run(plan)
        return submission.ids[0]

    async def get(self, *, id: str | None = None, key: str | None = None) -> Story | None:
        """Return what is known of a msg, as `Queue.get` does."""
        return await self._run(self._plans.get(id, key))

    async def wait(self, ids: Iterable[str], *, timeout: Seconds | None = None) -> Waited:
        """Wait until all of these msgs are settled, as `Queue.wait` does."""
        return await self._run(self._plans.wait(ids, timeout))

    def results(
        self, *, since: int = 0, ids: Iterable[str] | None = None, follow: bool = False
    ) -> AsyncReading[ReportRecord]:
        """Iterate over what was processed, as `Queue.results` does, with ``async for``."""
        pages = self._plans.results(since, ids, follow)
        return AsyncReading(pages, self._run, since)

    def failed(self, *, error: str | None = None) -> AsyncReading[FailRecord]:
        """Iterate over what has failed, as `Queue.failed` does, with ``async for``."""
        return AsyncReading(self._plans.failed(error), self._run)

    async def retry(
        self,
        *,
        ids: Iterable[str] | None = None,
        error: str | None = None,
        before: datetime | None = None,
        all: bool = False,
        dry_run: bool = False,
    ) -> int:
        """Have failed msgs tried again, as `Queue.retry` does."""
        return await self._run(self._plans.retry(ids, error, before, all, dry_run))

    async def discard(
        self,
        *,
        which: Which,
        ids: Iterable[str] | None = None,
        error: str | None = None,
        before: datetime | None = None,
        all: bool = False,
        dry_run: bool = False,
    ) -> int:
        """Delete msgs, as `Queue.discard` does."""
        return await self._run(self._plans.discard(which, ids, error, before, all, dry_run))

    async def pause(self) -> None:
        """Have nothing granted of this queue, until `resume`."""
        await self._run(self._plans.pause("pause"))

    async def resume(self) -> None:
        """Have it go on."""
        await self._run(self._plans.pause("resume"))

    async def stats(self) -> QueueStats:
        """Return how it stands."""
        return await self._run(self._plans.stats())

    async def peek(self, limit: int = 10) -> list[QueuedMsg]:
        """Return the msgs that are sent next, as `Queue.peek` does."""
        return await self._run(self._plans.peek(limit))

    async def _run(self, plan: Plan[T]) -> T:
        """Do a plan's steps: requests in a thread, pauses in the loop."""
        if self._connections.closed:
            raise NotRunningError(f"the queue {self.name} is closed; make a new one")
        got: Any = None
        try:
            while True:
                step = plan.send(got)
                if isinstance(step, Pause):
                    await self._pause(step.seconds)
                    got = None
                else:
                    got = await self._exchange(step)
        except StopIteration as end:
            done: T = end.value
            return done
        finally:
            plan.close()

    async def _pause(self, seconds: float) -> None:
        pausing = _Pausing()
        self._pauses.add(pausing)
        try:
            if not self._connections.closed:  # as in `Connections.pause`
                await pausing.wait(seconds)
        finally:
            self._pauses.discard(pausing)

    async def _exchange(self, request: Request) -> Answer | Lost:
        # A thread does a request to its end, also where nobody waits for it any more: so its
        # connection is put back as one that is at its end, or closed.
        if self._connections.closed:
            return self._connections.exchange(request)
        process, loop = this_process(), asyncio.get_running_loop()
        threads = self._threads.get(process)
        if threads is None:  # loops of several threads may come here at once
            new = ThreadPoolExecutor(_MOST_REQUESTS, "pena-queue")
            threads = self._threads.setdefault(process, new)
        try:
            answer = loop.run_in_executor(threads, self._connections.exchange, request)
        except RuntimeError:
            if not self._connections.closed:
                raise
            return self._connections.exchange(request)  # closed just now, and the threads with it
        return await answer
