"""`make_xid`: ids that are never equal, whatever the clock does."""

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
from support.queues import beside


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
