"""`pena.Worker`: whatever a handler raises, its msg ends with a text, and the next is handled."""

from __future__ import annotations

import datetime
import logging
import os
import pickle
import sys
import threading
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

import pena
from support.workers import serving


class SilentError(Exception):
    """Has no text."""

    def __str__(self) -> str:
        raise ValueError


class LeavesError(Exception):
    """Would end the process if asked for its text."""

    def __str__(self) -> str:
        raise SystemExit(3)


class Forgets(pena.Fail):
    """Does not call what it inherits."""

    def __init__(self) -> None:
        self.code = 7


class RetryOften(pena.Retry):
    """Likewise."""

    def __init__(self) -> None:
        self.code = 7


class Mute:
    def __str__(self) -> str:
        raise KeyError


YEARS = datetime.timedelta(days=400)
EXPECTED = "expected seconds from 0 to a year"
# What makes the exception, and what the msg's story says of it.
ODD: dict[str, tuple[Callable[[], BaseException], str]] = {
    "fail of an exception": (lambda: pena.Fail(ValueError("x")), "ValueError: x"),
    "fail of half a pair": (lambda: pena.Fail("\ud800"), "\\ud800"),
    "fail of no text": (lambda: pena.Fail(Mute()), "this Mute"),
    "fail of one without text": (lambda: pena.Fail(SilentError()), "SilentError"),
    "fail that forgets": (Forgets, ""),
    "retry of a number": (lambda: pena.Retry(reason=429), "429"),
    "retry that forgets": (RetryOften, ""),
    "retry before now": (
        lambda: pena.Retry(after=-1),
        f"SettingsError: after cannot be -1; {EXPECTED}",
    ),
    "retry in years": (
        lambda: pena.Retry(after=YEARS),
        f"SettingsError: after cannot be datetime.timedelta(days=400); {EXPECTED}",
    ),
    "half a pair": (lambda: ValueError("\udfff"), "ValueError: \\udfff"),
    "silent": (SilentError, "SilentError"),
    "leaves": (LeavesError, "LeavesError"),
    "exit": (lambda: SystemExit(3), "SystemExit: 3"),
    "generator": (GeneratorExit, "GeneratorExit"),
    "interrupt": (KeyboardInterrupt, "KeyboardInterrupt"),
}


def handle(msg: pena.Msg) -> object:
    if msg.payload == "fine":
        return "fine"
    raise ODD[msg.payload][0]()


async def handle_in_a_task(msg: pena.Msg) -> object:
    return handle(msg)


@pytest.fixture
def serves(tmp_path: Path) -> Iterator[tuple[pena.Server, pena.Queue]]:
    with serving(tmp_path) as both:
        yield both


@pytest.mark.parametrize(
    ("handler", "settings"),
    [(handle, {"threads": 1}), (handle, {"threads": 3}), (handle_in_a_task, {"tasks": 3})],
    ids=["here", "threads", "tasks"],
)
def test_whatever_is_raised_is_told_as_text_and_the_next_msg_is_handled(
    serves: tuple[pena.Server, pena.Queue], handler: Any, settings: dict[str, Any]
) -> None:
    server, queue = serves
    odd = set(ODD)
    if handler is handle_in_a_task:
        odd -= {"interrupt"}  # that is the loop's
    ids = {name: queue.submit_one(name, max_resends=0) for name in sorted(odd)}
    fine = queue.submit_one("fine")
    worker = pena.Worker(server.url, handler, queues=["images"], **settings)
    assert worker.run(until_empty=True).reason is pena.WorkerEndReason.empty
    waited = queue.wait([*ids.values(), fine], timeout=0)
    told = {record.id: record.errors for record in waited.failed}
    assert told == {ids[name]: (ODD[name][1],) for name in odd}
    assert [record.id for record in waited.done] == [fine]


@pytest.mark.parametrize("error", [RuntimeError("no room"), SystemExit(3)], ids=["error", "exit"])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_filter_of_the_log_that_raises_costs_its_line_alone(
    serves: tuple[pena.Server, pena.Queue],
    error: BaseException,
    threads: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server, queue = serves

    def refuse(record: logging.LogRecord) -> bool:
        if "it failed" in record.getMessage():
            raise error
        return True

    def handler(msg: pena.Msg) -> object:
        if msg.payload == "bad":
            raise ValueError("no width")
        return "fine"

    bad = [queue.submit_one("bad", max_resends=0) for _ in range(3)]
    fine = queue.submit_one("fine")
    logger = logging.getLogger("pena.worker")
    logger.addFilter(refuse)
    try:
        pena.Worker(server.url, handler, queues=["images"], threads=threads).run(until_empty=True)
    finally:
        logger.removeFilter(refuse)
    waited = queue.wait([*bad, fine], timeout=0)
    assert [record.errors for record in waited.failed] == [("ValueError: no width",)] * 3
    assert [record.id for record in waited.done] == [fine]
    assert type(error).__name__ in capsys.readouterr().err


@pytest.mark.parametrize("how", ["none", "closed", "closed meanwhile"])
def test_how_far_a_worker_is_needs_nobody_to_read_it(
    serves: tuple[pena.Server, pena.Queue], how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, queue = serves
    stderr = None if how == "none" else StringIO()
    if stderr is not None and how == "closed":
        stderr.close()

    def handler(msg: pena.Msg) -> None:
        if stderr is not None:
            stderr.close()

    id = queue.submit_one(None)
    monkeypatch.setattr(sys, "stderr", stderr)
    end = pena.Worker(server.url, handler, queues=["images"]).run(until_empty=True, progress=True)
    assert end.reason is pena.WorkerEndReason.empty
    assert [record.id for record in queue.wait([id], timeout=0).done] == [id]


def stops_its_worker(made: list[pena.Worker]) -> dict[str, Any]:
    """In a thread."""
    return {"handler": lambda msg: made[0].stop()}


def stops_its_worker_in_a_task(made: list[pena.Worker]) -> dict[str, Any]:
    """In a loop."""

    async def handler(msg: pena.Msg) -> None:
        made[0].stop()

    return {"handler": handler}


@pytest.mark.parametrize("kind", [stops_its_worker, stops_its_worker_in_a_task])
def test_a_handler_that_would_wait_for_itself_is_told_so(
    serves: tuple[pena.Server, pena.Queue], kind: Callable[[list[pena.Worker]], dict[str, Any]]
) -> None:
    server, queue = serves
    id = queue.submit_one(None, max_resends=0)
    made: list[pena.Worker] = []
    settings = kind(made)
    made.append(pena.Worker(server.url, settings.pop("handler"), queues=["images"], **settings))
    made[0].run(until_empty=True)
    [failed] = queue.wait([id], timeout=0).failed
    assert "expected stop(wait=False)" in failed.errors[-1]


@pytest.mark.forks
@pytest.mark.parametrize("threads", [1, 2])
def test_a_fork_of_a_handler_ends_as_a_script_would(
    serves: tuple[pena.Server, pena.Queue], threads: int
) -> None:
    server, queue = serves

    def handler(msg: pena.Msg) -> int:
        child = os.fork()
        if child == 0:
            match msg.payload:
                case "exits":
                    sys.exit(7)
                case "raises":
                    raise ValueError("of the child")
            return 0
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    ids = queue.submit(["returns", "exits", "raises"])
    pena.Worker(server.url, handler, queues=["images"], threads=threads).run(until_empty=True)
    assert [record.result for record in queue.wait(ids, timeout=0).done] == [0, 7, 1]


def test_what_says_how_a_msg_ends_can_be_sent_to_another_process() -> None:
    retry = pickle.loads(pickle.dumps(pena.Retry(after=3, reason="429")))
    assert (type(retry), retry.after.total_seconds(), retry.reason) == (pena.Retry, 3, "429")
    forgetful = pickle.loads(pickle.dumps(RetryOften()))
    assert type(forgetful) is RetryOften
    fail = pickle.loads(pickle.dumps(pena.Fail("gone")))
    assert (type(fail), fail.reason) == (pena.Fail, "gone")


@pytest.mark.parametrize("settings", [{}, {"threads": 3}, {"timeout": 0.05}])
def test_a_worker_that_is_traced_works_on(
    serves: tuple[pena.Server, pena.Queue], settings: dict[str, Any]
) -> None:
    """As under coverage, or in a debugger."""
    server, queue = serves

    def handler(msg: pena.Msg) -> None:
        if settings and msg.attempt == 1:
            time.sleep(0.051)  # it may be interrupted as it ends

    queue.submit(range(30))
    worker = pena.Worker(server.url, handler, queues=["images"], **settings)
    before = sys.gettrace()
    threading.settrace(lambda *_: None)
    sys.settrace(lambda *_: None)
    try:
        end = worker.run(until_empty=True)
    finally:
        sys.settrace(before)
        threading.settrace(None)  # type: ignore[arg-type]
    assert end.stats.done == 30
