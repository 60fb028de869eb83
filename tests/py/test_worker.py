"""`pena.Worker`: what becomes of a msg, by what its handler does."""

from __future__ import annotations

import asyncio
import functools
import logging
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import pena
from support.handlers import hold_the_lock
from support.poll import until
from support.ports import held_port
from support.workers import serving

Handler = Callable[[pena.Msg], object]


def in_threads(handler: Handler) -> dict[str, Any]:
    """As it is."""
    return {"handler": handler, "threads": 3}


def in_tasks(handler: Handler) -> dict[str, Any]:
    """As a coroutine."""

    async def coroutine(msg: pena.Msg) -> object:
        await asyncio.sleep(0)
        result = handler(msg)
        return await result if isinstance(result, Awaitable) else result

    return {"handler": coroutine, "tasks": 3}


KINDS = [in_threads, in_tasks]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def kind(request: pytest.FixtureRequest) -> Callable[[Handler], dict[str, Any]]:
    return request.param


@pytest.fixture
def serves(tmp_path: Path) -> Iterator[tuple[pena.Server, pena.Queue]]:
    with serving(tmp_path) as both:
        yield both


@pytest.fixture
def server(serves: tuple[pena.Server, pena.Queue]) -> pena.Server:
    return serves[0]


@pytest.fixture
def queue(serves: tuple[pena.Server, pena.Queue]) -> pena.Queue:
    return serves[1]


def worker(server: pena.Server, handler: Handler, kind: Any = in_threads, **more: Any) -> Any:
    made = {**kind(handler), **more}
    return pena.Worker(server.url, made.pop("handler"), **{"queues": ["images"], **made})


def test_what_a_handler_returns_or_raises_is_what_becomes_of_its_msg(
    server: pena.Server, queue: pena.Queue, kind: Any
) -> None:
    def handler(msg: pena.Msg) -> object:
        match msg.payload:
            case "none":
                return None
            case "broken":
                raise ValueError("no width")
            case "gone":
                raise pena.Fail("no such file")
            case "later" if msg.attempt == 1:
                raise pena.Retry(after=0.05, reason="429")
            case "flaky" if msg.attempt < 3:
                raise ConnectionError("reset")
        return {"was": msg.payload, "attempt": msg.attempt}

    payloads = ["none", "broken", "gone", "later", "flaky"]
    ids = dict(zip(payloads, queue.submit(payloads), strict=True))
    end = worker(server, handler, kind, never_retry=(ValueError,)).run(until_empty=True)
    assert end.reason is pena.WorkerEndReason.empty
    waited = queue.wait(ids.values(), timeout=0)
    assert not waited.open
    results = {record.id: record.result for record in waited.done}
    assert results == {
        ids["none"]: None,
        ids["later"]: {"was": "later", "attempt": 2},
        ids["flaky"]: {"was": "flaky", "attempt": 3},
    }
    assert {record.id: record.errors for record in waited.failed} == {
        ids["broken"]: ("ValueError: no width",),
        ids["gone"]: ("no such file",),
    }
    story = queue.get(id=ids["later"])
    assert story is not None
    assert [delivery.error for delivery in story.deliveries] == ["429", ""]
    assert (end.stats.done, end.stats.failed, end.stats.reported) == (3, 5, 8)
    assert end.stats.running == end.stats.given_back == end.stats.too_late == 0


def test_a_msg_has_what_was_submitted_and_where_it_stands(
    server: pena.Server, queue: pena.Queue
) -> None:
    seen: list[pena.Msg] = []

    def handler(msg: pena.Msg) -> object:
        seen.append(msg)
        raise ValueError

    id = queue.submit_one({"deep": [1, "é", None]}, key="order 7", max_resends=1)
    worker(server, handler, name="img-1", timeout=60).run(until_empty=True)
    first, second = seen
    assert (first.id, first.key, first.queue, first.name) == (id, "order 7", "images", "img-1")
    assert first.payload == {"deep": [1, "é", None]}
    assert [(msg.attempt, msg.last_attempt) for msg in seen] == [(1, False), (2, True)]
    assert 0 <= (first.time_left or -1) <= 60
    assert not second.cancelled
    assert repr(first).startswith(f"<pena.Msg {id} of images key='order 7'")


@pytest.mark.parametrize(
    "result",
    [
        {1, 2},
        float("nan"),
        "\ud800",
        {1: 1, "1": 2},
        functools.reduce(lambda x, _: [x], range(600)),
    ],
    ids=["a_set", "nan", "half_a_pair", "a_key_twice", "too_deep"],
)
def test_a_result_that_is_no_json_is_not_kept_and_that_is_said(
    server: pena.Server, queue: pena.Queue, caplog: pytest.LogCaptureFixture, result: object
) -> None:
    id = queue.submit_one(None)
    worker(server, lambda msg: result).run(until_empty=True)
    assert [record.result for record in queue.wait([id], timeout=0).done] == [None]
    assert "is not kept, for it is no JSON" in caplog.text


def test_a_coroutine_that_nobody_awaits_is_a_failure_and_no_result(
    server: pena.Server, queue: pena.Queue
) -> None:
    async def coroutine(msg: pena.Msg) -> None:
        await asyncio.sleep(0)

    id = queue.submit_one(None, max_resends=0)
    worker(server, lambda msg: coroutine(msg)).run(until_empty=True)
    [record] = queue.wait([id], timeout=0).failed
    assert record.errors[0].startswith("TypeError: the handler returned a coroutine; expected")


def test_a_result_that_the_server_does_not_take_fails_its_msg_alone(
    server: pena.Server, queue: pena.Queue
) -> None:
    ids = queue.submit(range(20))
    worker(server, lambda msg: "x" * (100_000 if msg.payload == 7 else 10), threads=8).run(
        until_empty=True
    )
    waited = queue.wait(ids, timeout=0)
    assert [record.id for record in waited.failed] == [ids[7]]
    assert waited.failed[0].errors[-1].startswith("its result was not taken: 413: the result of")
    assert len(waited.done) == 19


def test_a_handler_that_takes_too_long_is_interrupted_and_its_msg_comes_back(
    server: pena.Server, queue: pena.Queue, kind: Any
) -> None:
    interrupted = threading.Event()

    def handler(msg: pena.Msg) -> object:
        if msg.attempt > 1:
            return "done"

        def spin() -> None:
            try:
                while True:
                    time.sleep(0.001)
            except pena.TimedOut:
                interrupted.set()
                raise

        async def hang() -> None:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                interrupted.set()
                raise

        return hang() if kind is in_tasks else spin()

    id = queue.submit_one(None)
    end = worker(server, handler, kind, timeout=1).run(until_empty=True)
    assert interrupted.is_set()
    story = queue.get(id=id)
    assert story is not None
    assert [delivery.error for delivery in story.deliveries] == ["it took longer than 1 s", ""]
    assert (end.stats.timed_out, end.stats.done) == (1, 1)


def test_a_handler_in_the_main_thread_is_interrupted_while_it_waits_for_the_system(
    server: pena.Server, queue: pena.Queue
) -> None:
    def handler(msg: pena.Msg) -> None:
        if msg.attempt == 1:
            time.sleep(3600)

    queue.submit_one(None)
    before = signal.getsignal(signal.SIGURG)
    end = worker(server, handler, threads=1, timeout=1).run(until_empty=True)
    assert (end.stats.timed_out, end.stats.done) == (1, 1)
    assert signal.getsignal(signal.SIGURG) is before


def test_a_worker_works_until_nothing_waits_is_due_or_is_held(
    server: pena.Server, queue: pena.Queue
) -> None:
    queue.submit(range(3))
    later = queue.submit_one(9, delay=0.3)
    worker(server, lambda msg: None).run(until_empty=True)
    assert [record.id for record in queue.wait([later], timeout=0).done] == [later]


def test_a_worker_ends_behind_so_many_msgs(server: pena.Server, queue: pena.Queue) -> None:
    queue.submit(range(10))
    end = worker(server, lambda msg: None, max_msgs=4).run()
    assert end.reason is pena.WorkerEndReason.msgs_done
    assert (end.stats.begun, end.stats.reported, queue.stats().reported) == (4, 4, 4)
    assert queue.stats().queued == 6


def test_a_stop_finishes_what_is_handled(
    server: pena.Server, queue: pena.Queue, kind: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pena.worker")
    begun, go_on = threading.Event(), threading.Event()

    def handler(msg: pena.Msg) -> object:
        begun.set()
        if kind is in_threads:
            go_on.wait()
            return "whole"

        async def wait() -> str:
            while not go_on.is_set():
                await asyncio.sleep(0.01)
            return "whole"

        return wait()

    id = queue.submit_one(1)
    with worker(server, handler, kind) as works:
        assert begun.wait(20)
        works.stop(wait=False)
        until(lambda: "it was asked to stop; 1 msg that is worked on" in caplog.text, "it says so")
        until(lambda: queue.stats().clients == 1, "the one that is busy is left")
        rest = queue.submit_one(2)
        assert works.wait(0.05) is None
        go_on.set()
    assert [record.result for record in queue.wait([id], timeout=0).done] == ["whole"]
    assert queue.wait([rest], timeout=0).open == (rest,)
    story = queue.get(id=rest)
    assert story is not None
    assert not story.deliveries


def test_a_second_stop_gives_back_what_is_handled(
    server: pena.Server, queue: pena.Queue, kind: Any
) -> None:
    begun, ended = threading.Event(), threading.Event()

    def handler(msg: pena.Msg) -> object:
        begun.set()

        async def hang() -> None:
            await asyncio.sleep(3600)

        if kind is in_tasks:
            return hang()
        try:
            while True:
                time.sleep(0.001)
        finally:
            ended.set()

    id = queue.submit_one(1)
    works = worker(server, handler, kind).start()
    assert begun.wait(20)
    works.stop(wait=False)
    works.stop()
    until(lambda: queue.stats().queued == 1, "it waits again")
    story = queue.get(id=id)
    assert story is not None
    assert [delivery.outcome for delivery in story.deliveries] == [pena.Outcome.refused]
    assert kind is in_tasks or ended.wait(20)


@pytest.mark.parametrize("leases", [3, pytest.param(10, marks=pytest.mark.long)])
def test_a_lease_is_kept_however_long_the_handler_takes_and_whatever_it_holds(leases: int) -> None:
    lease = 0.6
    times = {"lease": lease, "heartbeat": 0.05, "silence": 0.5, "stop_time": 0.02, "slack": 0.02}

    def handler(msg: pena.Msg) -> object:
        if msg.payload == "long":
            time.sleep(leases * lease)
        else:
            hold_the_lock(2 * lease)
        return msg.attempt

    with (
        pena.Server(generate=False, drop_grace=lease, **times) as server,
        pena.Queue(server.url, "images") as queue,
    ):
        ids = queue.submit(["long", "the lock"])
        worker(server, handler, threads=2).run(until_empty=True)
        assert {record.result for record in queue.wait(ids, timeout=0).done} == {1}


def test_a_thousand_tasks_are_in_flight_at_once(server: pena.Server, queue: pena.Queue) -> None:
    running, most = 0, 0
    all_there = asyncio.Event()

    async def handler(msg: pena.Msg) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 1000:
            all_there.set()
        await all_there.wait()
        running -= 1

    queue.submit(range(1000))
    end = pena.Worker(server.url, handler, queues=["images"], tasks=1000).run(until_empty=True)
    assert most == 1000
    assert (end.stats.done, end.stats.received) == (1000, 1000)
    assert end.stats.connects < 100


def test_a_server_that_is_away_is_spoken_of_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "pena.worker")
    often = {"backoff_first": 0.001, "backoff_most": 0.01}
    with held_port() as port:
        url = f"http://127.0.0.1:{port}"
        with pena.Worker(url, lambda msg: None, threads=8, **often):
            until(lambda: "refused" in caplog.text.lower(), "it is said")
            time.sleep(0.3)
    told = [line for line in caplog.messages if "onnection refused" in line]
    assert len(told) == 1, told


A_NAME = "1 to 64 bytes of text without control characters"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"threads": 0}, "threads cannot be 0; expected a whole number from 1 to 10000"),
        ({"tasks": 2}, "tasks cannot be 2; expected threads, for the handler is not async"),
        ({"processes": 0}, "processes cannot be 0; expected a whole number from 1 to 1000"),
        ({"queues": "images"}, "queues cannot be 'images'; expected 1 to 64 names of queues"),
        ({"queues": ["Images"]}, 'queues has the name "Images"; expected names of 1 to 64 of'),
        (
            {"queues": []},
            "queues cannot be []; expected 1 to 64 names of queues, such as ['images']",
        ),
        ({"queues": 5}, "queues cannot be 5; expected 1 to 64 names of queues"),
        ({"queues": ["a", 5]}, "queues has 5; expected 1 to 64 names of queues"),
        ({"queues": ["a", "b", "a"]}, "queues has 'a' twice; expected each queue once"),
        ({"queues": [f"q{n}" for n in range(65)]}, "queues has 65 names; expected at most 64"),
        ({"name": ""}, f"name cannot be ''; expected {A_NAME}"),
        ({"name": "x" * 65}, f"expected {A_NAME}"),
        ({"name": "ü" * 33}, f"expected {A_NAME}"),
        ({"name": "a\nb"}, f"name cannot be 'a\\nb'; expected {A_NAME}"),
        ({"name": "a\x85b"}, f"name cannot be 'a\\x85b'; expected {A_NAME}"),
        ({"name": 5}, f"name cannot be 5; expected {A_NAME}"),
        ({"timeout": 0}, "timeout cannot be 0; expected more than 0 seconds"),
        ({"timeout": -1}, "timeout cannot be -1; expected more than 0 seconds"),
        (
            {"timeout": 4e7},
            "timeout cannot be 40000000.0; expected more than 0 seconds and at most",
        ),
        ({"never_retry": ValueError}, "never_retry cannot be <class 'ValueError'>; expected"),
        ({"max_msgs": 0}, "max_msgs is 0; expected at least 1"),
        ({"url": "https://x"}, "for TLS is not supported yet"),
        ({"handler": 3}, "handler cannot be 3; expected a function of one msg"),
        ({"handler": lambda msg: 1, "processes": 2}, "cannot be used by several processes"),
    ],
)
def test_a_setting_that_cannot_be_is_named(settings: dict[str, Any], sentence: str) -> None:
    given = {"url": "http://127.0.0.1:1", "handler": print, **settings}
    with pytest.raises(pena.SettingsError) as refused:
        pena.Worker(given.pop("url"), given.pop("handler"), **given)
    assert sentence in str(refused.value)


def test_a_worker_starts_once(server: pena.Server) -> None:
    with worker(server, lambda msg: None) as works, pytest.raises(pena.NotRunningError):
        works.run()
