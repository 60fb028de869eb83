"""Answers that no Pena server gives: each is a RefusedError that says what came."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from typing import Any

import pytest

import pena

ID, OTHER = "dc2933fbave5109cvn2g", "dc2933fbave5109cvn30"
DATE = datetime.now(timezone.utc).isoformat()
COUNTS = {"queued": 0, "later": 0, "held": 0, "reported": 0, "failed": 0}
ROW = {"queue": "default", "paused": False, "clients": 0, **COUNTS}
STATS = {"reports": 0, "fails": 0, "queues": [ROW]}
REPORT = {"id": ID, "period": 0, "batch": ID, "client": ID, "attempts": 1, "misses": []}
REPORT |= {"accepted_at": DATE, "granted_at": DATE, "reported_at": DATE}
FIRST = {"ids": [], "next": 0, "first": 1}
NONE = {"records": [], "next": 0, "first": 1}
PAGES = {f"/{name}?records=1&queue=default&after": {"records": []} for name in ("report", "fail")}
WAITING = {"/queue": {"ids": []}, "/later": {"ids": []}, "/batch": {"batches": []}}


@contextmanager
def answering(answers: Callable[[str], tuple[int, Any]]) -> Iterator[str]:
    """Something that is no Pena server: `answers` gives a status, and a body, for a target."""

    def serve() -> None:
        with suppress(OSError):
            while True:
                near = listening.accept()[0]
                with near, near.makefile("rb") as asked:
                    target = asked.readline().split()[1].decode()
                    size = 0
                    while (line := asked.readline()) != b"\r\n":
                        name, _, value = line.partition(b":")
                        size = int(value) if name.lower() == b"content-length" else size
                    asked.read(size)
                    status, body = answers(target)
                    said = body if isinstance(body, bytes) else json.dumps(body).encode()
                    near.sendall(b"HTTP/1.0 %d Well\r\n\r\n%s" % (status, said))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)


CALLS: dict[str, tuple[Callable[[Any], object], int]] = {
    "submit": (lambda queue: queue.submit([1, 2, 3]), 201),
    "get by id": (lambda queue: queue.get(id=ID), 200),
    "get by key": (lambda queue: queue.get(key="a"), 200),
    "wait": (lambda queue: queue.wait([ID]), 200),
    "results": (lambda queue: list(queue.results()), 200),
    "results of ids": (lambda queue: list(queue.results(ids=[ID])), 200),
    "failed": (lambda queue: list(queue.failed()), 200),
    "retry": (lambda queue: queue.retry(all=True), 200),
    "discard": (lambda queue: queue.discard(which="waiting", all=True), 200),
    "pause": (lambda queue: queue.pause(), 200),
    "resume": (lambda queue: queue.resume(), 200),
    "stats": (lambda queue: queue.stats(), 200),
    "peek": (lambda queue: queue.peek(), 200),
}
NO_ANSWERS = [b"<html>", b"", b"\xff", b"[" * 100_000, b"9" * 5000, [], 5, None, {}, "text"]


@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_answer_of_pena_is_refused(kind: Any, name: str) -> None:
    call, status = CALLS[name]
    for body in NO_ANSWERS:
        with answering(lambda _, body=body: (status, body)) as url, kind(url) as queue:
            with pytest.raises(pena.RefusedError, match="expected the answer of a Pena") as raised:
                call(queue)
            assert raised.value.status == status


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("status", [202, 203, 301, 404])
def test_a_status_that_pena_does_not_give_is_refused(kind: Any, name: str, status: int) -> None:
    """A 404 of something else does not say that Pena knows no such msg."""
    with answering(lambda _: (status, b"<html>")) as url, kind(url) as queue:
        with pytest.raises(pena.RefusedError, match=f"{status}: '<html>'; expected the answer of"):
            CALLS[name][0](queue)


def broken(*parts: Any) -> Any:
    """A test of a call, with what each target is answered, by how it begins, and the sentence."""
    return pytest.param(*parts, id=f"{parts[0]}: {parts[2]}")


@pytest.mark.parametrize(
    ("name", "answers", "sentence"),
    [
        broken("submit", {"": {"ids": [], "known": []}}, "it has 0 ids for 3 msgs"),
        broken("submit", {"": {"ids": [ID] * 4, "known": []}}, "it has 4 ids for 3 msgs"),
        broken("submit", {"": {"ids": [ID] * 3, "known": 5}}, "known is 5, where ids would"),
        broken("submit", {"": {"ids": [ID] * 3}}, "it has no 'known'"),
        broken("submit", {"": {"ids": [1, 2, 3], "known": []}}, r"ids is \[1, 2, 3\], where ids"),
        broken("submit", {"": {"ids": "abc", "known": []}}, "ids is 'abc', where ids would"),
        broken("get by id", {"": {"id": ID, "state": "lost", "story": []}}, "'lost' is not a"),
        broken("get by key", {"": {"id": ID, "state": "queued", "story": 5}}, ""),
        broken("results", {"": {"records": [5], "next": 1, "first": 1}}, r"records is \[5\]"),
        broken("results", {"": {"records": [{}], "next": 1, "first": 1}}, "it has no 'id'"),
        broken("results", {"": {**NONE, "next": "a"}}, "next is 'a', where a whole number"),
        broken("results", {"": {**NONE, "next": -1}}, "next is -1, where a whole number from 0"),
        broken("failed", {"": {"records": 5}}, "records is 5, where objects would stand"),
        broken("failed", {"": {"records": [], "next": ""}}, "next is '', where what is behind ''"),
        broken("retry", {"": {"retried": "5"}}, "retried is '5', where a whole number from 0"),
        broken("discard", {"": {"deleted": True}}, "deleted is True, where a whole number from"),
        broken("pause", {"": {"paused": "yes"}}, "paused is 'yes', where true or false"),
        broken("pause", {"": {"paused": False}}, "paused is False behind a pause"),
        broken("resume", {"": {"paused": True}}, "paused is True behind a resume"),
        broken("pause", {"": {"paused": True, "known": 5}}, "known is 5, where true or false"),
        broken("stats", {"": {"queues": [ROW, ROW]}}, r"queues is \['default', 'default'\]"),
        broken("stats", {"": {"queues": [{**ROW, "queue": "a"}]}}, r"queues is \['a'\], where def"),
        broken("stats", {"": {"queues": [{**ROW, "held": 0.5}]}}, "held is 0.5, where a whole"),
        broken("stats", {"": {"queues": [{**ROW, "oldest_ms": ""}]}}, "oldest_ms is '', where"),
        broken("peek", {"": {"records": [], "next": 5}}, "next is 5, where what is behind ''"),
        broken("wait", {"": {"first": 0}}, "first is 0, where a whole number from 1 would"),
        broken("wait", {"": FIRST, "/stats": {**STATS, "fails": None}}, "fails is None, where a"),
        broken("wait", {"": FIRST, "/stats": {**STATS, "queues": 5}}, "queues is 5, where objects"),
        broken("wait", {"": FIRST, "/stats": STATS}, "it has no 'records'"),
        broken(
            "wait",
            {"": FIRST, "/stats": STATS, "/report?rec": {"records": [REPORT | {"misses": 5}]}},
            "'int' object is not iterable",
        ),
        broken(
            "wait",
            {"": {**FIRST, "ids": [5]}, "/stats": STATS} | PAGES,
            r"ids is \[5\], where ids would stand",
        ),
        broken(
            "wait",
            {"": FIRST, "/stats": STATS, "/queue": {"ids": [], "next": ID}} | PAGES,
            f"next is '{ID}', where what is behind '{ID}'",
        ),
        broken(
            "results of ids",
            {"": FIRST, "/stats": STATS, **PAGES, **WAITING, "/batch": {"batches": [{"ids": 5}]}},
            "ids is 5, where ids would stand",
        ),
        broken(
            "results of ids",
            {"": {**FIRST, **NONE}, "/stats": STATS, **PAGES, **WAITING, "/task": {"id": OTHER}},
            f"id is '{OTHER}', where {ID} would stand",
        ),
    ],
)
def test_an_answer_with_another_part_is_refused(
    kind: Any, name: str, answers: dict[str, Any], sentence: str
) -> None:
    call, status = CALLS[name]

    def answer(target: str) -> tuple[int, Any]:
        begins = max((one for one in answers if target.startswith(one)), key=len)
        return status, answers[begins]

    with answering(answer) as url, kind(url) as queue:
        expected = f"{status}: .*; expected the answer of a Pena server, and {sentence}"
        with pytest.raises(pena.RefusedError, match=expected):
            call(queue)


def test_what_may_be_accepted_all_the_same_is_unsure(kind: Any) -> None:
    with answering(lambda _: (201, {"ids": []})) as url, kind(url) as queue:
        with pytest.raises(pena.RefusedError) as raised:
            queue.submit([1, 2, 3])
        assert (raised.value.submitted, raised.value.place) == ((), 0)
        assert len(raised.value.unsure) == 3
    with answering(lambda _: (403, {"error": "no"})) as url, kind(url) as queue:
        with pytest.raises(pena.RefusedError) as raised:
            queue.submit([1, 2, 3])
        assert raised.value.unsure == ()


@pytest.mark.parametrize(("status", "unsure"), [(429, 0), (503, 3), (500, 3), (502, 3), (504, 3)])
def test_what_a_server_did_not_take_is_not_unsure(kind: Any, status: int, unsure: int) -> None:
    with (
        answering(lambda _: (status, {"error": "not now"})) as url,
        kind(url, patience=0) as queue,
        pytest.raises(pena.UnavailableError) as raised,
    ):
        queue.submit([1, 2, 3])
    assert len(raised.value.unsure) == unsure


@pytest.mark.parametrize("status", [408, 429, 500, 503, 504])
def test_what_is_known_at_another_try_is_its_own(kind: Any, status: int) -> None:
    """A proxy may have handed on what it answers with 503."""
    answers = [(status, {}), (201, {"ids": [ID], "known": [ID]})]
    with answering(lambda _: answers.pop(0)) as url, kind(url) as queue:
        assert queue.submit_one("a") == ID
    assert not answers
