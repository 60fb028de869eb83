"""`pena.Worker`: signals, those of others too, and what is left behind run()."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pena
from support.poll import until
from support.process import python
from support.workers import Workers, outcomes, serving

MSGS = 20  # tasks are cancelled in any order


class AlarmError(Exception):
    """Of a user's own signal."""


@pytest.fixture
def serves(tmp_path: Path) -> Iterator[tuple[pena.Server, pena.Queue]]:
    with serving(tmp_path) as both:
        yield both


@pytest.fixture
def _alarmed() -> Iterator[None]:
    def raise_it(number: int, frame: object) -> None:
        raise AlarmError

    before = signal.signal(signal.SIGALRM, raise_it)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


async def handle_in_a_task(msg: pena.Msg) -> None:
    """Be there."""


@pytest.mark.usefixtures("_alarmed")
@pytest.mark.parametrize(
    ("handler", "settings"),
    [(print, {"threads": 1}), (print, {"threads": 2}), (handle_in_a_task, {})],
    ids=["here", "threads", "tasks"],
)
def test_what_another_signal_raises_leaves_a_worker_that_waits_and_ends_it(
    serves: tuple[pena.Server, pena.Queue], handler: Any, settings: dict[str, Any]
) -> None:
    server, _ = serves
    worker = pena.Worker(server.url, handler, queues=["images"], **settings)
    before = [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT, signal.SIGURG)]
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    with pytest.raises(AlarmError):
        worker.run()
    until(lambda: not worker.running, "it has ended")
    after = [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT, signal.SIGURG)]
    assert after == before


@pytest.mark.usefixtures("_alarmed")
@pytest.mark.parametrize("kind", ["threads", "tasks"])
def test_what_another_signal_raises_gives_back_what_is_handled(
    serves: tuple[pena.Server, pena.Queue], kind: str
) -> None:
    server, queue = serves
    begun: list[str] = []
    over = threading.Event()

    def begin(msg: pena.Msg) -> None:
        begun.append(msg.id)
        if len(begun) == MSGS:
            signal.setitimer(signal.ITIMER_REAL, 0.05)

    def in_a_thread(msg: pena.Msg) -> None:
        begin(msg)
        over.wait()

    async def in_a_task(msg: pena.Msg) -> None:
        begin(msg)
        await asyncio.sleep(3600)

    ids = queue.submit(range(MSGS))
    handler: Any = in_a_thread if kind == "threads" else in_a_task
    worker = pena.Worker(server.url, handler, queues=["images"], **{kind: MSGS})
    with pytest.raises(AlarmError):
        worker.run()
    until(lambda: not worker.running, "it has ended")
    over.set()
    until(lambda: queue.stats().queued == MSGS, "all wait again")
    assert outcomes(queue, ids) == {"refused"}


IN_THE_BACKGROUND = """
import asyncio, gc, time, pena
def handle(msg):
    print("begun", flush=True)
    time.sleep(1)
    return "whole"
async def handle_in_a_task(msg):
    print("begun", flush=True)
    await asyncio.sleep(1)
    return "whole"
pena.Worker({url!r}, {handler}, queues=["images"]).start()
gc.collect()
with pena.Queue({url!r}, "images") as queue:
    queue.submit_one(None, key="one")
    while not queue.stats().held:
        time.sleep(0.01)
"""


@pytest.mark.parametrize("handler", ["handle", "handle_in_a_task"])
def test_a_worker_that_nobody_else_keeps_finishes_what_it_handles_when_python_ends(
    serves: tuple[pena.Server, pena.Queue], handler: str
) -> None:
    server, queue = serves
    ran = python(IN_THE_BACKGROUND.format(url=server.url, handler=handler))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "begun\n", "")
    story = queue.get(key="one")
    assert story is not None
    assert [delivery.outcome.value for delivery in story.deliveries] == ["reported"]


@pytest.mark.parametrize("options", [[], ["--processes=2"], ["--threads=2"]])
def test_signals_that_come_together_are_one(
    serves: tuple[pena.Server, pena.Queue], options: list[str]
) -> None:
    server, queue = serves
    id = queue.submit_one({"n": 1})
    workers = Workers(server.url, "works_for_a_second", "--quiet", *options)
    workers.hear("begun 1")
    workers.process.send_signal(signal.SIGINT)
    time.sleep(0.01)
    assert workers.end() == (0, "")
    assert outcomes(queue, [id]) == {"reported"}


@pytest.mark.parametrize("options", [[], ["--processes=2"], ["--threads=2"]])
def test_a_second_signal_ends_handlers_that_wait_for_the_system(
    serves: tuple[pena.Server, pena.Queue], options: list[str]
) -> None:
    server, queue = serves
    id = queue.submit_one({"n": 1})
    workers = Workers(server.url, "waits_for_the_system", "--quiet", *options)
    workers.hear("begun 1")
    assert workers.end_at_once() == (0, "")
    assert queue.stats().queued == 1
    assert outcomes(queue, [id]) == {"refused"}


@pytest.mark.forks
@pytest.mark.parametrize("options", [[], ["--processes=2"], ["--threads=2"]])
def test_forks_of_a_handler_are_ended_by_a_signal_and_its_worker_is_not(
    serves: tuple[pena.Server, pena.Queue], options: list[str]
) -> None:
    server, queue = serves
    ids = queue.submit({"n": n} for n in range(2))
    workers = Workers(server.url, "ends_forks", "--until-empty", "--quiet", *options)
    code, said = workers.ended()
    assert code == 0, said
    results = queue.wait(ids, timeout=0).results
    assert [results[id] for id in ids] == [[-signal.SIGTERM]] * 2
