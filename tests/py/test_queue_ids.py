"""`make_xid`: ids that are never equal, whatever the clock does; and those of two processes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pena
from pena import xid
from support.poll import until
from support.queues import beside
from support.stream import post


def test_ids_are_xids_of_now_that_ascend() -> None:
    before = int(time.time())
    ids = [pena.make_xid() for _ in range(10_000)]
    assert ids == sorted(set(ids))
    assert all(xid.is_xid(id) for id in ids)
    first, last = (pena.parse_xid(id) for id in (ids[0], ids[-1]))
    assert (first.machine, first.process) == (last.machine, last.process)
    assert first.time.timestamp() >= before


def test_a_clock_that_is_set_back_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    maker = xid.Maker()
    ids = []
    for now in (2_000_000_000, 1_000_000_000, 1_999_999_999, 2_000_000_000, 2_000_000_001):
        monkeypatch.setattr(time, "time", lambda now=now: float(now))
        ids.append(maker.make())
    assert ids == sorted(set(ids))
    seconds = [int(pena.parse_xid(id).time.timestamp()) for id in ids]
    assert seconds == [2_000_000_000] * 4 + [2_000_000_001]


def test_a_second_whose_ids_are_used_up_lends_from_the_next() -> None:
    maker = xid.Maker()
    maker._second, maker._counter = 2**31, 2**24 - 2
    parts = [pena.parse_xid(maker.make()) for _ in range(4)]
    assert [(int(part.time.timestamp()) - 2**31, part.counter) for part in parts] == [
        (0, 2**24 - 2),
        (0, 2**24 - 1),
        (1, 0),
        (1, 1),
    ]


@pytest.fixture
def in_turns() -> Iterator[None]:
    """Threads take turns at every line of `make`: by themselves they do so seldom."""

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code is not xid.Maker.make.__code__:
            return None
        time.sleep(0)
        return trace

    threading.settrace(trace)
    yield
    threading.settrace(None)


@pytest.mark.usefixtures("in_turns")
def test_threads_make_other_ids() -> None:
    maker = xid.Maker()
    ids: list[str] = []
    begin = threading.Barrier(8)

    def make() -> None:
        begin.wait()
        ids.extend([maker.make() for _ in range(200)])

    with ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(beside(make))
    assert len(set(ids)) == len(ids) == 1600


def test_what_is_drawn_anew_begins_otherwise() -> None:
    maker = xid.Maker()
    before = pena.parse_xid(maker.make())
    maker.draw()
    after = pena.parse_xid(maker.make())
    assert (before.machine, before.process) != (after.machine, after.process)


@given(st.binary(min_size=12, max_size=12))
def test_the_id_below_is_the_one_just_below(raw: bytes) -> None:
    id = xid.text_of(raw)
    assert xid.is_xid(id)
    assert pena.parse_xid(id).text == id
    below = xid.one_before(id)
    number = int.from_bytes(raw, "big")
    assert below == xid.text_of(max(number - 1, 0).to_bytes(12, "big"))
    assert below < id or number == 0


def twin_of(maker: xid.Maker) -> xid.Maker:
    """Return what another process would have that has drawn the same bytes."""
    twin = xid.Maker()
    twin._own, twin._second, twin._counter = maker._own, maker._second, maker._counter
    return twin


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch) -> xid.Maker:
    """That of this process, ahead of its clock, so that a twin makes the same ids."""
    maker = xid.Maker()
    maker._second = 2**31
    monkeypatch.setattr(xid, "_maker", maker)
    return maker


@pytest.mark.parametrize("same", [True, False], ids=["the same payloads", "others"])
def test_an_id_that_another_process_has_made_is_made_anew(
    kind: Any, server: pena.Server, maker: xid.Maker, same: bool
) -> None:
    twin = twin_of(maker)
    others = [{"id": twin.make(), "payload": n if same else "other"} for n in range(6)]
    with kind(server.url) as queue:
        post(server.url, "/task", others[2:], 201)
        ids = queue.submit(range(10))
        assert len(set(ids)) == 10
        assert not {other["id"] for other in others[2:]} & {*ids}
        assert len(server.queue) == 14
        assert [server.queue[id].payload for id in ids] == list(range(10))


def test_a_new_connection_does_not_hide_that_an_id_was_made_twice(
    kind: Any, maker: xid.Maker
) -> None:
    with pena.Server(generate=False, limits={"idle_time": 0.05}) as server:
        with kind(server.url) as queue:
            queue.submit_one("before")
            until(lambda: server.stats.connections == 0, "the server has closed it")
            (other,) = post(server.url, "/task", {"id": twin_of(maker).make(), "payload": 1}, 201)[
                "ids"
            ]
            assert queue.submit_one(1) != other
            assert len(server.queue) == 3


def test_an_id_that_is_the_servers_own_is_made_anew(
    kind: Any, server: pena.Server, maker: xid.Maker
) -> None:
    (own,) = post(server.url, "/task", {}, 201)["ids"]
    parts = pena.parse_xid(own)
    maker._own = parts.machine + parts.process.to_bytes(2, "big")
    with kind(server.url) as queue:
        ids = queue.submit(range(3))
        assert [server.queue[id].payload for id in ids] == [0, 1, 2]
        assert pena.parse_xid(ids[0]).machine != parts.machine
