"""`wait`: what became of msgs, however many, also while the server restarts."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import pena
from pena import _asking, _watch
from pena._asking import Answer, Lost, Request
from pena._connections import Connections
from support.lossy import LossyProxy
from support.poll import until
from support.ports import held_port
from support.process import ServerProcess
from support.queues import beside
from support.stream import TaskStream, post

MANY = 20_000
MANY_PAGES = 1000


@pytest.fixture
def queue(kind: Any, server: pena.Server) -> Iterator[Any]:
    with kind(server.url, "images") as queue:
        yield queue


def settle(url: str, batches: int, batchsize: int, *, fail_every: int = 0) -> list[str]:
    """Take batches of the queue `images` and settle them; return the ids that failed."""
    stream = TaskStream(url, batchsize, more=f"&queue=images&batches={batches}")
    failed: list[str] = []
    for _ in range(batches):
        batch = stream.next_batch()
        bad = batch.ids[::fail_every] if fail_every else []
        is_bad = {*bad}
        good = {msg["id"]: msg["payload"] for msg in batch.msgs if msg["id"] not in is_bad}
        said = [{"id": id, "error": "why", "final": True} for id in bad]
        stream.report(batch, list(good), failed=said, results=good)
        failed += bad
    stream.close()
    return failed


def test_what_is_settled_and_what_is_open_is_told_apart(queue: Any, server: pena.Server) -> None:
    ids = queue.submit(range(10))
    assert queue.wait(ids, timeout=0) == pena.Waited((), (), tuple(ids), ())
    settle(server.url, 1, 4, fail_every=3)
    waited = queue.wait([*reversed(ids), "0" * 20, ids[0]], timeout=0.1)
    assert [record.id for record in waited.done] == [ids[2], ids[1]]
    assert waited.results == {ids[2]: 2, ids[1]: 1}
    assert [(record.id, record.payload) for record in waited.failed] == [(ids[3], 3), (ids[0], 0)]
    assert waited.failed[0].errors == ("why",)
    assert waited.open == tuple(reversed(ids[4:]))
    assert waited.unknown == ("0" * 20,)
    assert queue.wait([]) == pena.Waited((), (), (), ())


def test_what_is_held_or_later_is_open(queue: Any, server: pena.Server) -> None:
    ids = queue.submit(range(3))
    stream = TaskStream(server.url, 3, more="&queue=images")
    stream.next_batch()
    ids += queue.submit(range(3), delay=60)
    assert queue.wait(ids, timeout=0).open == tuple(ids)
    stream.close()


def test_it_waits_until_all_are_settled(queue: Any, server: pena.Server) -> None:
    ids = queue.submit(range(1000))
    with beside(lambda: queue.wait(ids)) as came:
        failed = settle(server.url, 10, 100, fail_every=10)
    (waited,) = came
    assert [record.id for record in waited.failed] == failed
    assert [record.result for record in waited.done] == [n for n in range(1000) if n % 10]
    assert not waited.open
    assert not waited.unknown


def test_many_are_found_with_few_requests(kind: Any, server: pena.Server) -> None:
    """Of those that are settled, those that settle meanwhile, and those that are gone."""
    with LossyProxy(server.port) as proxy, kind(proxy.url, "images") as queue:
        ids = queue.submit(range(MANY))
        proxy.passed.clear()
        assert len(queue.wait(ids, timeout=0).open) == MANY
        assert len(proxy.passed) < 20
        settle(server.url, 1, MANY // 2)
        proxy.passed.clear()
        half = queue.wait(ids, timeout=0)
        assert (len(half.done), len(half.open)) == (MANY // 2, MANY // 2)
        assert len(proxy.passed) < 20 + MANY // 1000
        with beside(lambda: queue.wait(ids)) as came:
            settle(server.url, 1, MANY // 2, fail_every=2)
        assert (len(came[0].done), len(came[0].failed)) == (MANY // 4 * 3, MANY // 4)


def test_few_among_many_are_asked_for_one_by_one(kind: Any, server: pena.Server) -> None:
    with LossyProxy(server.port) as proxy, kind(proxy.url, "images") as queue:
        ids = queue.submit(range(4000))
        settle(server.url, 1, 3000, fail_every=3000)
        proxy.passed.clear()
        some = [ids[0], ids[2999], ids[3999]]
        waited = queue.wait(some, timeout=0)
        assert ([record.id for record in waited.failed], waited.open) == ([ids[0]], (ids[3999],))
        (done,) = waited.done
        assert done == next(r for r in queue.results() if r.id == ids[2999])
        assert [path for _, path in proxy.passed if "records" in path and "after" in path] == []


def test_what_settles_during_the_look_is_not_missed(
    kind: Any, server: pena.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer of the look is kept back until more is settled."""
    monkeypatch.setattr(_watch, "_FIRST_CHECK", 1e9)  # which would make good for it
    with LossyProxy(server.port) as proxy, kind(proxy.url, "images") as queue:
        ids = queue.submit(range(200))
        proxy.keep_back()
        with beside(lambda: queue.wait(ids)) as came:
            for n in range(1, 11):
                until(lambda: proxy.kept_back, "the next answer is kept back")
                settle(server.url, 1, 20)
                proxy.let_go(keep_back=n < 10)
        assert [record.result for record in came[0].done] == list(range(200))


def test_many_that_settle_during_the_look_are_found_with_few_requests(
    kind: Any, server: pena.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are counted as waiting, and when the pages are read they wait no more."""
    asked: list[str] = []
    exchange = Connections.exchange

    def settle_before_the_pages(connections: Connections, request: Request) -> Answer | Lost:
        if request.target.startswith("/queue?"):
            settle(server.url, 1, 500)
        asked.append(request.target)
        return exchange(connections, request)

    with kind(server.url, "images") as queue:
        ids = queue.submit(range(500))
        monkeypatch.setattr(Connections, "exchange", settle_before_the_pages)
        assert len(queue.wait(ids).done) == 500
        assert len(asked) < 20


def test_the_timeout_comes_also_while_others_settle_on_and_on(
    kind: Any, server: pena.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each page that it reads has a record more."""
    pages = 0
    exchange = Connections.exchange

    def settle_one_more(connections: Connections, request: Request) -> Answer | Lost:
        nonlocal pages
        if request.target.startswith("/report?") and "since=0&limit=1" not in request.target:
            pages += 1
            if pages <= MANY_PAGES:
                settle(server.url, 1, 1)
        return exchange(connections, request)

    with kind(server.url, "images") as queue:
        queue.submit(range(MANY_PAGES))
        late = queue.submit_one("late", delay=60)
        monkeypatch.setattr(Connections, "exchange", settle_one_more)
        assert queue.wait([late], timeout=0.1).open == (late,)
        assert 0 < pages < MANY_PAGES


def test_a_restart_in_between_is_lived_through(kind: Any, tmp_path: Path) -> None:
    with ExitStack() as stack:
        listen = f"--listen=127.0.0.1:{stack.enter_context(held_port())}"
        options = (listen, f"--store={tmp_path / 'pena.lmdb'}", "--no-generate")
        first = ServerProcess(*options)
        stack.callback(first.stop)
        queue = stack.enter_context(kind(first.url, "images"))
        ids = queue.submit(range(100))
        with beside(lambda: queue.wait(ids)) as came:
            settle(first.url, 1, 50)
            first.stop(signal.SIGKILL)
            second = ServerProcess(*options)
            stack.callback(second.stop)
            settle(second.url, 1, 50)
        assert [record.result for record in came[0].done] == list(range(100))


def test_a_server_that_is_away_at_the_timeout_leaves_them_open(kind: Any) -> None:
    with held_port() as port, kind(f"http://127.0.0.1:{port}") as queue:
        ids = [pena.make_xid(), pena.make_xid()]
        assert queue.wait(ids, timeout=0.2) == pena.Waited((), (), tuple(ids), ())
        with kind(f"http://127.0.0.1:{port}", patience=0.1) as hasty:
            with pytest.raises(pena.UnavailableError, match="Connection refused"):
                hasty.wait(ids)


def test_what_is_deleted_meanwhile_is_not_waited_for(
    queue: Any, server: pena.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_watch, "_FIRST_CHECK", 0.05)
    ids = queue.submit(range(30))
    looked = server.stats.connections

    def wait() -> pena.Waited:
        with pena.Queue(server.url, "images") as other:
            return other.wait(ids)

    with beside(wait) as came:
        until(lambda: server.stats.connections > looked, "it waits")
        assert queue.discard(which="waiting", ids=ids[:10]) == 10
        settle(server.url, 1, 20)
    assert came[0].unknown == tuple(ids[:10])
    assert len(came[0].done) == 20


def test_what_is_forgotten_before_it_is_told_is_not_waited_for(
    kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_watch, "_FIRST_CHECK", 1e9)  # by the order of settling alone
    with pena.Server(generate=False, keep_reports=5) as server, LossyProxy(server.port) as proxy:
        with kind(proxy.url, "images") as queue:
            ids = queue.submit(range(100))

            def follows() -> bool:
                return any("since" in path and "records" in path for _, path in proxy.passed)

            with beside(lambda: queue.wait(ids)) as came:
                until(follows, "it follows the order of settling")
                proxy.keep_back()
                until(lambda: proxy.kept_back, "an answer is kept back")
                settle(server.url, 1, 100)
                until(lambda: server.stats.swept_reports == 95, "all but five are forgotten")
                proxy.let_go()
            assert len(came[0].done) + len(came[0].unknown) == 100
            assert len(came[0].unknown) >= 90


def test_msgs_of_another_queue_are_refused(queue: Any, server: pena.Server) -> None:
    (other,) = post(server.url, "/task?queue=mail", {}, 201)["ids"]
    with pytest.raises(pena.SettingsError, match=f"ids has {other}, a msg of the queue mail"):
        queue.wait([other])


def test_a_close_ends_what_waits(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_asking, "_FIRST_WAIT", 1e9)
    with held_port() as port, kind(f"http://127.0.0.1:{port}", patience=None) as queue:
        with beside(queue.stats) as came:
            until(lambda: queue._plans._asking._trouble, "it waits")
            queue.close()
        assert isinstance(came[0], pena.UnavailableError)
        assert "the queue was closed before" in str(came[0])
