"""`pena.Worker` with coroutines: what is cancelled by whom, and in whose loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import pena
from support.handlers import slow_double_in_a_task
from support.poll import until
from support.workers import serving

MSGS = 10


@pytest.fixture
def serves(tmp_path: Path) -> Iterator[tuple[pena.Server, pena.Queue]]:
    with serving(tmp_path) as both:
        yield both


def deliveries(queue: pena.Queue, id: str) -> list[tuple[str, str]]:
    """How each of them ended, and why."""
    story = queue.get(id=id)
    assert story is not None
    return [(delivery.outcome.value, delivery.error) for delivery in story.deliveries]


def test_a_handler_that_awaits_what_is_cancelled_has_failed(
    serves: tuple[pena.Server, pena.Queue],
) -> None:
    server, queue = serves

    async def handler(msg: pena.Msg) -> None:
        if msg.attempt == 1:
            inner = asyncio.ensure_future(asyncio.sleep(3600))
            inner.cancel()
            await inner

    id = queue.submit_one(None)
    end = pena.Worker(server.url, handler, queues=["images"]).run(until_empty=True)
    assert deliveries(queue, id) == [("failed", "CancelledError"), ("reported", "")]
    assert (end.stats.failed, end.stats.given_back) == (1, 0)


def test_a_worker_works_in_a_loop_that_is_there(serves: tuple[pena.Server, pena.Queue]) -> None:
    server, queue = serves
    loops: set[object] = set()

    async def handler(msg: pena.Msg) -> int:
        loops.add(asyncio.get_running_loop())
        await asyncio.sleep(0)
        return msg.payload * 2

    async def work() -> pena.WorkerEnd:
        worker = pena.Worker(server.url, handler, queues=["images"])
        end = await worker.run_async(until_empty=True)
        assert loops == {asyncio.get_running_loop()}
        return end

    ids = queue.submit(range(MSGS))
    assert asyncio.run(work()).reason is pena.WorkerEndReason.empty
    assert [queue.wait(ids).results[id] for id in ids] == [2 * n for n in range(MSGS)]


@pytest.mark.parametrize("cleans_up_for", [0, 1.5], ids=["at once", "longer than the worker"])
def test_a_worker_that_is_cancelled_gives_each_msg_back_once(
    serves: tuple[pena.Server, pena.Queue], cleans_up_for: float
) -> None:
    server, queue = serves
    begun: list[str] = []

    async def handler(msg: pena.Msg) -> None:
        begun.append(msg.id)
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(cleans_up_for)

    async def work() -> pena.Worker:
        worker = pena.Worker(server.url, handler, queues=["images"], tasks=MSGS)
        running = asyncio.ensure_future(worker.run_async())
        while len(begun) < MSGS:
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return worker

    ids = queue.submit(range(MSGS + 5))  # more than it has room for
    worker = asyncio.run(work())
    until(lambda: not worker.running, "it has ended")
    until(lambda: queue.stats().queued == MSGS + 5, "all wait again")
    assert sorted(begun) == sorted(ids[:MSGS])
    assert {tuple(deliveries(queue, id)) for id in ids[:MSGS]} == {(("refused", ""),)}
    assert {tuple(deliveries(queue, id)) for id in ids[MSGS:]} == {()}


def test_a_loop_that_a_handler_holds_up_has_all_its_tasks_again(
    serves: tuple[pena.Server, pena.Queue],
) -> None:
    server, queue = serves

    async def handler(msg: pena.Msg) -> str:
        if msg.attempt == 1:
            time.sleep(1.2)  # longer than each of them may
            await asyncio.sleep(3600)
        await asyncio.sleep(0)
        return "done"

    ids = queue.submit(range(3), max_resends=10)
    worker = pena.Worker(server.url, handler, queues=["images"], tasks=3, timeout=1)
    end = worker.run(until_empty=True)
    assert {record.result for record in queue.wait(ids, timeout=0).done} == {"done"}
    assert (end.stats.done, end.stats.running) == (3, 0)


def test_what_run_async_cannot_run_is_named(serves: tuple[pena.Server, pena.Queue]) -> None:
    server, _ = serves
    plain = pena.Worker(server.url, print)
    with pytest.raises(
        pena.SettingsError, match=r"handler <built-in .* print> is no async def, .*"
    ):
        asyncio.run(plain.run_async())
    several = pena.Worker(server.url, slow_double_in_a_task, processes=2)
    with pytest.raises(pena.SettingsError, match=r"processes is 2; expected processes=1, or run"):
        asyncio.run(several.run_async())


def test_a_loop_goes_on_beside_a_worker_whose_handler_is_no_coroutine(
    serves: tuple[pena.Server, pena.Queue],
) -> None:
    """As the sentence about it says."""
    server, queue = serves
    goes_on = threading.Event()

    async def work() -> pena.WorkerEnd:
        worker = pena.Worker(server.url, lambda msg: goes_on.wait(60), queues=["images"])
        asyncio.get_running_loop().call_later(0.05, goes_on.set)
        return await asyncio.to_thread(worker.run, until_empty=True)

    id = queue.submit_one(None)
    assert asyncio.run(work()).stats.done == 1
    assert queue.wait([id]).results == {id: True}


def test_a_queue_that_may_be_misspelt_is_said_in_a_loop(
    serves: tuple[pena.Server, pena.Queue], caplog: pytest.LogCaptureFixture
) -> None:
    server, _ = serves
    worker = pena.Worker(server.url, slow_double_in_a_task, queues=["imagse"])
    asyncio.run(worker.run_async(until_empty=True))
    assert "has nothing of the queue imagse, and nobody takes from it" in caplog.text
