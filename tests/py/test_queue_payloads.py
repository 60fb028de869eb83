"""A payload that cannot be submitted is named; whoever goes on from its place leaves none out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import pena
from support.stream import post


def payloads_of(server: pena.Server) -> list[Any]:
    return [msg.payload for msg in server.queue.values()]


@pytest.mark.parametrize(
    ("bad", "status", "sentence"),
    [
        ("x" * 300_000, 413, "a payload has 300002 bytes; expected at most 262144"),
        ([[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]], 400, "nested deeper than 16 levels"),
        ({"key": 7}, 409, 'the key "7" is in the queue images that of the msg'),
    ],
)
def test_a_payload_that_is_refused_is_named(
    kind: Any, server: pena.Server, bad: Any, status: int, sentence: str
) -> None:
    def key(payload: Any) -> str:
        return str(payload["key"]) if isinstance(payload, dict) else f"of {str(payload)[:9]}"

    payloads = [*range(1234), bad, *range(1235, 3000)]
    with kind(server.url, "images") as queue:
        known = post(server.url, "/task?queue=images", {"key": "7", "payload": "other"}, 201)["ids"]
        with pytest.raises(pena.RefusedError) as raised:
            queue.submit(payloads, key=key)
        error = raised.value
        assert (error.place, error.status) == (1234, status)
        assert f"the payload at place 1234 is refused: {status}: " in str(error)
        assert sentence in str(error)
        assert [*known, *error.submitted] == list(server.queue)
        assert payloads_of(server)[1:] == list(range(1234))
        with pytest.raises(pena.RefusedError, match=f"^the payload is refused: {status}: "):
            queue.submit_one(bad, key=key(bad))


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (float("nan"), "nan is no JSON: Out of range float values"),
        ({"a": [float("inf")]}, "no JSON"),
        ({1, 2}, "no JSON: Object of type set is not JSON serializable"),
        ({"a": {1: 2}}, "no JSON: the key 1 is no text"),
        ([{None: 2}], "the key None is no text"),
        ("\ud800", "no JSON: .*surrogates"),
        (b"bytes", "no JSON"),
    ],
)
def test_a_payload_that_is_no_json_is_named(
    kind: Any, server: pena.Server, bad: Any, sentence: str
) -> None:
    with kind(server.url) as queue:
        with pytest.raises(pena.PayloadError, match=f"at place 2100 .*{sentence}") as raised:
            queue.submit([*range(2100), bad, *range(5)])
        assert isinstance(raised.value, ValueError)
        assert raised.value.place == 2100
        assert list(raised.value.submitted) == list(server.queue)
        assert payloads_of(server) == list(range(2100))
        with pytest.raises(pena.PayloadError, match=f"^the payload .*{sentence}"):
            queue.submit_one(bad)


def test_a_payload_within_itself_is_no_json(kind: Any, server: pena.Server) -> None:
    endless: list[Any] = []
    endless.append(endless)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with kind(server.url) as queue:
        for bad in (endless, deep):
            with pytest.raises(pena.PayloadError, match="no JSON"):
                queue.submit_one(bad)


@pytest.mark.parametrize("bad", ["", 7, None, "\ud800"])
def test_a_key_that_is_no_text_is_named(kind: Any, server: pena.Server, bad: Any) -> None:
    with kind(server.url) as queue:
        with pytest.raises(pena.PayloadError, match=r"place 1 has the key .*expected text"):
            queue.submit([0, 1, 2], key=lambda n: ("a", bad, "c")[n])
        assert [msg.key for msg in server.queue.values()] == ["a"]


@pytest.mark.parametrize(
    "bad", ["", 7, None, "\ud800", "order 7", "0" * 18 + "1h", '0","queue":"other","key":"a']
)
def test_an_id_that_is_no_xid_is_named(kind: Any, server: pena.Server, bad: Any) -> None:
    good = "0" * 18 + "10"
    with kind(server.url) as queue:
        with pytest.raises(pena.PayloadError, match=r"place 1 has the id .*expected 20 characters"):
            queue.submit([0, 1, 2], id=lambda n: (good, bad, "0" * 18 + "20")[n])
        if bad is not None:
            with pytest.raises(pena.PayloadError, match=r"^the payload has the id"):
                queue.submit_one(1, id=bad)
        assert list(server.queue) == [good]


def test_whoever_goes_on_from_the_place_of_an_error_leaves_none_out(
    kind: Any, server: pena.Server
) -> None:
    payloads: list[Any] = [0, 1, {2}, 3]
    with kind(server.url) as queue:
        with pytest.raises(pena.PayloadError) as raised:
            queue.submit(payloads)
        error = raised.value
        assert (error.place, list(error.submitted)) == (2, list(server.queue))
        payloads[error.place] = 2
        queue.submit(payloads[error.place :])
        assert payloads_of(server) == [0, 1, 2, 3]


def test_where_those_before_it_are_refused_the_error_is_of_them(
    kind: Any, server: pena.Server
) -> None:
    with kind(server.url) as queue:
        with pytest.raises(pena.RefusedError, match="place 1 is refused: 413") as raised:
            queue.submit([0, "x" * 300_000, {2}])
        assert isinstance(raised.value.__cause__, Exception)  # what ended the payloads
        assert (raised.value.place, list(raised.value.submitted)) == (1, list(server.queue))


def test_what_is_asynchronous_needs_an_async_queue(server: pena.Server) -> None:
    async def payloads() -> AsyncIterator[int]:
        yield 1

    with pena.Queue(server.url) as queue:
        with pytest.raises(pena.SettingsError, match="AsyncQueue takes an asynchronous one"):
            queue.submit(payloads())  # type: ignore[arg-type]


def test_errors_of_an_asynchronous_iterable_come_through(server: pena.Server) -> None:
    async def payloads() -> AsyncIterator[int]:
        yield 0
        yield 1
        raise LookupError("of the database")

    async def submit() -> None:
        async with pena.AsyncQueue(server.url) as queue:
            await queue.submit(payloads())

    with pytest.raises(LookupError, match="of the database"):
        asyncio.run(submit())
    assert payloads_of(server) == [0, 1]


def test_errors_of_the_users_own_come_through(kind: Any, server: pena.Server) -> None:
    def payloads() -> Iterator[int]:
        yield from range(1500)
        raise LookupError("of the database")

    with kind(server.url) as queue:
        with pytest.raises(LookupError, match="of the database"):
            queue.submit(payloads())
        with pytest.raises(ZeroDivisionError):
            queue.submit([1500, 0], key=lambda n: str(1 // n))
        assert sorted(payloads_of(server)) == list(range(1501))
