"""Uses every public name as a user would, for the type checker alone: nothing of it runs."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import pena


def handler(msg: pena.Msg) -> object:
    """Use what a handler has."""
    payload: Any = msg.payload
    texts: tuple[str, ...] = (msg.id, msg.key, msg.queue, msg.name)
    numbers: tuple[int, bool, bool] = (msg.attempt, msg.last_attempt, msg.cancelled)
    left: float | None = msg.time_left
    if payload:
        raise pena.Retry(after=30, reason="429")
    if left:
        raise pena.Fail("gone")
    try:
        return texts, numbers
    except pena.TimedOut:
        return None


async def coroutine(msg: pena.Msg) -> dict[str, int]:
    """Likewise."""
    await asyncio.sleep(msg.time_left or 0)
    return {"attempt": msg.attempt}


def works(url: str) -> pena.WorkerEnd:
    """Use workers."""
    worker: pena.Worker = pena.Worker(
        url, handler, queues=["images"], processes=4, threads=1, never_retry=(ValueError,)
    )
    end: pena.WorkerEnd = worker.run(until_empty=True, progress=True)
    reason: pena.WorkerEndReason = end.reason
    stats: pena.WorkerStats = end.stats
    count: int = stats.done + stats.too_late
    print(reason is pena.WorkerEndReason.empty, count, end.text)
    with pena.Worker(url, coroutine, tasks=10, timeout=3.0, max_msgs=5, name="a") as other:
        other.stop(wait=False)
        ended: pena.WorkerEnd | None = other.wait(timeout=1)
        print(ended, other.running, other.stats.running)
    return end


async def works_in_a_loop(url: str) -> None:
    """Use what loops have."""
    end: pena.WorkerEnd = await pena.Worker(url, coroutine).run_async(until_empty=True)
    print(end)
    async with pena.AsyncQueue(url, "images", patience=None) as queue:
        ids: list[str] = await queue.submit([{"n": 1}])
        waited: pena.Waited = await queue.wait(ids, timeout=1)
        fails: list[pena.FailRecord] = [record async for record in queue.failed()]
        print(waited, fails)


def submits(url: str) -> None:
    """Use queues."""
    with pena.Queue(url, "images") as queue:
        ids: list[str] = queue.submit({"url": name} for name in "ab")
        one: str = queue.submit_one({"url": "c"}, key="c", delay=3)
        waited: pena.Waited = queue.wait([*ids, one], timeout=60)
        done: tuple[pena.ReportRecord, ...] = waited.done
        failed: tuple[pena.FailRecord, ...] = waited.failed
        rest: tuple[str, ...] = waited.open + waited.unknown
        errors: tuple[str, ...] = failed[0].errors
        why: str = failed[0].why
        misses: tuple[pena.Miss, ...] = failed[0].misses
        reason: pena.MissReason = misses[0].reason
        retried: int = queue.retry(error="ConnectionError*")
        story: pena.Story | None = queue.get(id=one)
        stats: pena.QueueStats = queue.stats()
        waiting: list[pena.QueuedMsg] = list(queue.peek(limit=3))
        print(done, rest, errors, why, reason, reason.words, retried, stats.queued, waiting)
        if story is not None:
            state: pena.State = story.state
            deliveries: tuple[pena.Delivery, ...] = story.deliveries
            outcome: pena.Outcome = deliveries[0].outcome
            print(state, outcome)
    try:
        queue.submit_one(1)
    except pena.PayloadError as error:
        print(error.place)
    except pena.RefusedError as error:
        print(error.status)
    except pena.UnavailableError as error:
        print(error.submitted)
    except (pena.RequestError, pena.SettingsError, pena.NotRunningError) as error:
        print(error)


def serves(folder: Path) -> None:
    """Use servers, the simulated client, and stores."""
    try:
        limits: pena.Limits = pena.Limits()
        with pena.Server(store=folder, generate=False) as server:
            stats: pena.ServerStats = server.stats
            report: pena.Bucket[pena.ReportRecord] = server.report
            client: pena.Client = pena.Client(server.url, batchsize=5)
            end: pena.ClientEnd | None = client.wait(timeout=1)
            reason: pena.EndReason | None = end.reason if end else None
            counts: pena.ClientStats = client.stats
            print(limits, stats, report, reason, counts)
        with pena.Store(folder) as store:
            batches: pena.Bucket[pena.Batch] = store.batches
            numbers: pena.BucketCounts = store.counts()
            print(batches, numbers)
    except (pena.ListenError, pena.StoreInUseError, pena.StoreError, pena.PenaError) as error:
        print(error)


def ids() -> datetime:
    """Use ids."""
    parsed: pena.Xid = pena.parse_xid(pena.make_xid())
    print(pena.__version__)
    return parsed.time
