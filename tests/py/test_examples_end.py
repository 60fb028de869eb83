"""The workers of `examples` are told to end, and a msg comes at that moment: at no cost to it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from support.door import Door
from support.examples import Examples, examples_of
from support.poll import until
from support.site import Site
from support.stream import get, post

# "before the leave" leaves the queue empty, for at "at the ask" a msg would end the worker, too.
MOMENTS = ("at the signal", "beside the leave", "at a report", "before the leave", "at the ask")
ASK, LEAVE, REPORT = b"GET /task", b'"client":', b'"ids":'  # what each request has


class Once:
    """Acts as the first request passes that has a word."""

    def __init__(self, word: bytes, act: Callable[[], None]) -> None:
        self._word, self._act, self._over = word, act, False

    def __call__(self, sent: bytes) -> None:
        if self._word in sent and not self._over:
            self._over = True
            self._act()


def submit(url: str, key: str) -> None:
    post(url, "/task?queue=work", {"key": key, "payload": {"n": 2}}, 201)


def story(url: str, key: str) -> list[str]:
    """Return the names of those that were sent the msg."""
    return [delivery["name"] for delivery in get(url, f"/task?queue=work&key={key}")["story"]]


def is_free(url: str) -> bool:
    """Whether there is a worker, and nothing for it to do."""
    now = get(url, "/stats")
    return (now["clients"]["free"], now["queued"], now["held"]) == (1, 0, 0)


def end_one(url: str, examples: Examples, number: int) -> None:
    """Start a worker, and have it end while a msg is submitted."""
    moment, name, late = MOMENTS[number % len(MOMENTS)], f"w-{number}", f"late-{number}"
    submission = threading.Thread(target=submit, args=(url, late))
    started = threading.Event()

    def tell() -> None:
        started.wait()
        worker.tell(signal.SIGTERM)

    def submit_and_tell() -> None:
        submission.start()
        tell()

    def submit_first() -> None:
        submission.start()
        submission.join()
        until(lambda: story(url, late), "it was granted")  # which may be after the answer

    with Door(url) as door:
        if moment == "at the ask":
            door.hears = Once(ASK, tell)
        worker = examples.start("worker", "--url", door.url, "--queue", "work", "--name", name)
        started.set()
        if moment != "at the ask":
            until(lambda: is_free(url), "the worker was free", timeout=60)
        if moment == "at the signal":
            submit_and_tell()
        elif moment == "at a report":
            door.hears = Once(REPORT, submit_and_tell)
            submit(url, f"early-{number}")
        elif "leave" in moment:
            door.hears = Once(LEAVE, submission.start if "beside" in moment else submit_first)
            tell()
        assert worker.end() == 0, worker.said
        if moment != "at the ask":
            assert submission.ident is not None, f"it left without a word: {worker.said}"
            submission.join()
        if moment == "before the leave":
            assert story(url, late) == [name], worker.said  # and it was done


@pytest.mark.parametrize(
    ("language", "rounds"), [("shell", 15), ("python", 15), ("node", 15), ("go", 60)]
)
def test_a_worker_that_ends_costs_no_msg_an_attempt(
    site: Site, tmp_path: Path, language: str, rounds: int
) -> None:
    server = site.server(generate=False)
    with examples_of(language, tmp_path) as examples:
        for number in range(rounds):
            end_one(server.url, examples, number)
        # Each stream has ended well, also where nothing was on its way.
        assert server.stats.clients_lost == 0
        last = examples.start("worker", "--url", server.url, "--queue", "work", "--name", "last")
        until(lambda: is_free(server.url), "all were done", timeout=60)
        assert last.end(signal.SIGTERM) == 0, last.said
    records = get(server.url, "/report?records=1&limit=1000")["records"]
    assert len(records) == rounds  # two of each that ended at a report, none of one at its ask
    site.submitted.update(record["id"] for record in records)
    assert {record["key"]: record["misses"] for record in records if record["misses"]} == {}
