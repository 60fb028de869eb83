"""`pena.Queue` and `pena.AsyncQueue`: what each method does."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pena
from support.queues import KINDS, beside, trouble
from support.site import TIMES
from support.stream import TaskStream, post

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Any:
    return KINDS[request.param]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[pena.Server]:
    # Not that of a site, whose law knows nothing of msgs that somebody deletes.
    with pena.Server(store=tmp_path / "pena.lmdb", generate=False, **TIMES) as server:
        yield server


@pytest.fixture
def queue(kind: Any, server: pena.Server) -> Iterator[Any]:
    with kind(server.url, "images") as queue:
        yield queue


class Worker:
    """Takes msgs of the queue `images`, and says what became of them."""

    def __init__(self, url: str) -> None:
        self.stream = TaskStream(url, 10, more="&queue=images&short=1")

    def work(
        self, msgs: int = 1, *, failed: tuple[Any, ...] = (), error: str = "no room"
    ) -> list[str]:
        """Settle so many msgs: those with the payloads `failed` fail, the others give theirs."""
        ids: list[str] = []
        while len(ids) < msgs:
            batch = self.stream.next_batch()
            bad = [msg["id"] for msg in batch.msgs if msg.get("payload") in failed]
            good = {msg["id"]: msg.get("payload") for msg in batch.msgs if msg["id"] not in bad}
            said = [{"id": id, "error": error, "final": True} for id in bad]
            self.stream.report(batch, list(good), failed=said, results=good)
            ids += batch.ids
        return ids


@pytest.fixture
def worker(server: pena.Server) -> Iterator[Worker]:
    worker = Worker(server.url)
    yield worker
    worker.stream.close()


def methods(queue: type) -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(method)
        for name, method in vars(queue).items()
        if not name.startswith("_") or name == "__init__"
    }


def test_both_classes_have_the_same_methods_and_the_page_has_them() -> None:
    plain, asynchronous = methods(pena.Queue), methods(pena.AsyncQueue)
    assert plain.keys() == asynchronous.keys()
    for name, signature in plain.items():
        expected = signature.parameters
        given = asynchronous[name].parameters
        if name == "submit":
            expected, given = ({**each, "payloads": None} for each in (expected, given))
        assert given == expected, name
    page = (ROOT / "docs/python.md").read_text()
    for name in plain.keys() - {"__init__", "close"}:
        assert f"`{name}(" in page, f"docs/python.md has no `{name}(…)`"


def test_payloads_become_msgs_in_their_order(queue: Any, server: pena.Server) -> None:
    ids = queue.submit({"n": n} for n in range(2500))
    assert ids == sorted(set(ids)) == list(server.queue)
    assert [msg.payload for msg in server.queue.values()] == [{"n": n} for n in range(2500)]
    assert {msg.queue for msg in server.queue.values()} == {"images"}
    assert queue.submit([]) == []


def test_options_are_of_each_msg(queue: Any, server: pena.Server) -> None:
    (plain,) = queue.submit(["a"], max_resends=7, period=5)
    assert (server.queue[plain].max_resends, server.queue[plain].period) == (7, 5)
    delayed = queue.submit_one("b", delay=timedelta(hours=1))
    due = datetime(2090, 1, 1, tzinfo=timezone.utc)
    dated = queue.submit_one("c", due=due)
    assert server.later[dated].due_at == due
    assert set(server.later) == {delayed, dated}
    assert queue.stats().later == 2


def test_a_key_and_an_id_are_of_the_payload(queue: Any, server: pena.Server) -> None:
    orders = [{"order": 7}, {"order": 8}]
    ids = queue.submit(orders, key=lambda order: f"order {order['order']}")
    assert [server.queue[id].key for id in ids] == ["order 7", "order 8"]
    assert queue.submit([orders[1], {"order": 9}], key=lambda order: f"order {order['order']}") == [
        ids[1],
        max(server.queue),
    ]
    own = pena.make_xid()
    assert queue.submit([1], id=lambda _: own) == [own] == [queue.submit_one(1, id=own)]
    assert queue.submit_one({"order": 7}, key="order 7") == ids[0]
    assert len(server.queue) == 4


def test_a_key_may_come_again_in_one_submission(queue: Any, server: pena.Server) -> None:
    ids = queue.submit(["a", "b", "a", "a"], key=lambda payload: payload)
    assert ids == [ids[0], ids[1], ids[0], ids[0]]
    assert len(server.queue) == 2


def in_ms(record: Any) -> Any:
    """Return a record as HTTP has it: the store keeps microseconds."""
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if isinstance(value, datetime):
            changes[field.name] = value.replace(microsecond=value.microsecond // 1000 * 1000)
        elif isinstance(value, tuple):
            changes[field.name] = tuple(in_ms(each) for each in value)
    return dataclasses.replace(record, **changes)


def test_records_are_those_of_the_store(queue: Any, server: pena.Server, worker: Worker) -> None:
    queue.submit([1, 2], key=lambda payload: f"key {payload}", max_resends=5)
    worker.work(2, failed=(2,), error="ConnectionError: away")
    queue.submit([3, {"four": None}, None])
    worker.work(3)
    later = queue.submit_one(4, delay=60)
    (report, *_), (fail,) = queue.results(), queue.failed()
    assert report == in_ms(server.report[report.id])
    assert fail == in_ms(server.fail[fail.id])
    assert fail.errors == ("ConnectionError: away",)
    assert queue.get(id=fail.id).errors == fail.errors
    assert queue.retry(all=True) == 1
    worker.work()
    queue.pause()  # so that they stay where they are between two looks
    waiting = queue.submit([6, 7])
    for id in (report.id, fail.id, later, *waiting):
        assert queue.get(id=id) == in_ms(server.story(id))
    assert queue.get(key="key 2").id == fail.id
    assert queue.get(key="key 3") is queue.get(id="0" * 20) is None
    settled = queue.wait([report.id, fail.id])
    assert settled.done == tuple(in_ms(server.report[id]) for id in (report.id, fail.id))
    assert list(settled.results.values()) == [1, 2]


def test_what_is_held_is_told(queue: Any, server: pena.Server, worker: Worker) -> None:
    id = queue.submit_one("a")
    batch = worker.stream.next_batch()
    story = queue.get(id=id)
    assert story == in_ms(server.story(id))
    assert (story.state, story.attempts) == (pena.State.held, 1)
    assert queue.stats() == pena.QueueStats("images", False, 1, 0, 0, 1, 0, 0, None)
    worker.stream.report(batch)
    assert queue.stats().reported == 1


def test_peek_reads_what_comes_next(queue: Any, server: pena.Server) -> None:
    post(server.url, "/task", [{"payload": "of another queue"}] * 5, 201)
    ids = queue.submit(range(1203))
    # Of one second, ids that the server makes may come before those that are made here.
    waiting = [in_ms(msg) for msg in server.queue.values() if msg.queue == "images"]
    assert queue.peek() == waiting[:10]
    assert [msg.id for msg in queue.peek(1200)] == ids[:1200]
    assert [msg.id for msg in queue.peek(5000)] == ids


def test_results_come_in_the_order_of_settling(queue: Any, worker: Worker) -> None:
    queue.submit(range(10))
    first = worker.work(10, failed=(3,))
    (low,) = queue.submit(["low"], id=lambda _: "0" * 18 + "10")
    worker.work()
    reading = queue.results()
    told = [record.id for record in reading]
    assert told == [*(first[:3] + first[4:]), low]
    assert [record.result for record in queue.results()] == [0, 1, 2, *range(4, 10), "low"]
    queue.submit([11])
    worker.work()
    again = queue.results(since=reading.since)
    assert [record.result for record in again] == [11]
    assert again.since > reading.since
    assert [record.result for record in queue.results(ids=[low, first[3], first[0]])] == [0, "low"]


def test_results_go_on_with_what_is_still_to_come(queue: Any, worker: Worker) -> None:
    reading = queue.results(follow=True)
    for n in range(3):
        with beside(worker.work):
            queue.submit_one(n)
            assert next(reading).result == n
    ids = queue.submit([10, 11, 12])
    with beside(lambda: [record.result for record in queue.results(ids=ids, follow=True)]) as came:
        worker.work(3, failed=(11,))
    assert came == [[10, 12]]


def test_since_is_what_was_handed_out(queue: Any, worker: Worker) -> None:
    queue.submit(range(3))
    worker.work(3)
    reading = queue.results()
    next(reading)
    assert reading.since == 0  # the others of its page would be lost
    assert [record.result for record in queue.results(since=reading.since)] == [0, 1, 2]
    next(reading)
    next(reading)
    assert [record.result for record in queue.results(since=reading.since)] == []


def test_failed_ones_are_found_by_their_error_and_retried(queue: Any, worker: Worker) -> None:
    queue.submit(["a", "b", "c"])
    worker.work(3, failed=("a", "b", "c"), error="timeout: smtp")
    queue.submit(["d"])
    worker.work(failed=("d",), error="no such user")
    assert [record.payload for record in queue.failed()] == ["a", "b", "c", "d"]
    assert [record.payload for record in queue.failed(error="timeout*")] == ["a", "b", "c"]
    assert [record.payload for record in queue.failed(error="timeout")] == []
    assert [record.payload for record in queue.failed(error="no such user")] == ["d"]
    assert queue.retry(error="timeout*", dry_run=True) == 3
    assert queue.retry(error="timeout*", before=datetime(2020, 1, 1, tzinfo=timezone.utc)) == 0
    assert queue.retry(error="timeout*") == 3
    (left,) = queue.failed()
    assert queue.retry(ids=[left.id, "0" * 20], dry_run=True) == 1
    assert queue.retry(ids=[left.id, "0" * 20]) == 1
    assert queue.retry(all=True) == queue.retry(ids=[]) == 0
    stats = queue.stats()
    assert (stats.queued + stats.held, stats.failed) == (4, 0)


def test_msgs_are_discarded_where_they_are(queue: Any, server: pena.Server, worker: Worker) -> None:
    other = post(server.url, "/task", {"payload": "of another queue"}, 201)["ids"]
    queue.submit(["good", "bad"])
    worker.work(2, failed=("bad",))
    ids = queue.submit(["x", "y", "z"], delay=60)
    tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
    assert queue.discard(which="waiting", ids=ids[:1]) == 1
    assert queue.discard(which="waiting", all=True, dry_run=True) == 2
    assert queue.discard(which="waiting", all=True) == 2
    assert queue.discard(which="failed", error="no ro*") == 1
    assert queue.discard(which="reported", before=tomorrow) == 1
    assert list(server.queue) == other
    assert server.counts().total == 1


def test_a_paused_queue_is_not_handed_out(queue: Any, worker: Worker) -> None:
    queue.pause()
    assert queue.stats().paused
    id = queue.submit_one("a")
    worker.stream.expect_nothing()
    queue.resume()
    assert worker.work() == [id]
    assert not queue.stats().paused


def test_a_queue_that_nobody_has_used_is_empty(queue: Any) -> None:
    assert queue.stats() == pena.QueueStats("images", False, 0, 0, 0, 0, 0, 0, None)
    assert queue.peek() == list(queue.failed()) == list(queue.results()) == []


def test_a_pause_of_a_queue_that_nobody_has_used_is_said(queue: Any) -> None:
    with trouble() as heard:
        queue.pause()
        queue.pause()
    assert heard.said == ["the queue images is paused, and nobody has used it so far"]


def test_pages_are_as_small_as_a_server_wants_them(kind: Any) -> None:
    small: pena.Limits = {"page_ids": 7, "report_ids": 10}
    with pena.Server(generate=False, limits=small) as server, kind(server.url, "images") as queue:
        ids = queue.submit(range(40))
        assert [msg.id for msg in queue.peek(20)] == ids[:20]
        assert queue.wait(ids, timeout=0).open == tuple(ids)
        worker = Worker(server.url)
        worker.work(30, failed=tuple(range(0, 40, 2)))
        worker.stream.close()
        assert len(list(queue.results())) == len(list(queue.failed())) == 15
        assert len(queue.wait(ids, timeout=0).done) == 15
        assert queue.retry(ids=ids) == 15


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://pena", "http://host:port, for TLS is not supported yet"),
        ("ftp://pena", "http://host:port and nothing behind it"),
        ("http://pena/x", "http://host:port and nothing behind it"),
        ("http://pena:0", "a port from 1 to 65535"),
        ("pena", "http://host:port"),
    ],
)
def test_the_url_is_checked_as_that_of_a_client(kind: Any, url: str, expected: str) -> None:
    with pytest.raises(pena.SettingsError) as raised:
        kind(url)
    assert str(raised.value) == f'url is "{url}"; expected {expected}'


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"name": "E-Mail"}, r"queue is 'E-Mail'; expected 1 to 64 of a-z, 0-9, '\.', '_' and '-'"),
        ({"name": "a" * 65}, "queue is"),
        ({"patience": -1}, "patience cannot be -1; expected at least 0 s"),
        ({"patience": "1m"}, "patience must be seconds"),
        ({"request_timeout": 0}, "request_timeout cannot be 0"),
        ({"request_timeout": "30s"}, "request_timeout must be seconds"),
    ],
)
def test_settings_are_checked(kind: Any, settings: Any, sentence: str) -> None:
    with pytest.raises(pena.SettingsError, match=sentence):
        kind("http://127.0.0.1:1", **settings)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda queue: queue.submit("abc"), "payloads cannot be 'abc'; expected an iterable"),
        (lambda queue: queue.submit({"a": 1}), "payloads cannot be"),
        (lambda queue: queue.submit(5), "payloads cannot be 5"),
        (lambda queue: queue.submit([1], key="k"), "key cannot be 'k'; expected a function"),
        (lambda queue: queue.submit([1], delay=-1), "delay cannot be -1"),
        (lambda queue: queue.submit([1], due=datetime(2090, 1, 1)), "due cannot be .* timezone"),
        (lambda queue: queue.submit([1], period=-1), "period cannot be -1"),
        (lambda queue: queue.submit([1], max_resends=True), "max_resends cannot be True"),
        (
            lambda queue: queue.submit_one(1, delay=1, due=datetime.now(timezone.utc)),
            "delay and due are both given",
        ),
        (lambda queue: queue.get(), "either an id or a key"),
        (lambda queue: queue.get(id="x"), "id cannot be 'x'; expected 20 characters"),
        (lambda queue: queue.wait("0" * 20), "ids cannot be .*; expected several ids"),
        (lambda queue: queue.wait(["0" * 19]), "ids has '0{19}'; expected 20 characters"),
        (lambda queue: queue.wait([], timeout=-1), "timeout cannot be -1"),
        (lambda queue: queue.results(since=1, ids=[]), "since and ids are both given"),
        (lambda queue: queue.retry(), "retry is told no msgs; expected ids, a filter, or all=True"),
        (lambda queue: queue.retry(ids=["0" * 20], error="x"), "is told error and ids"),
        (lambda queue: queue.retry(all=1), "all cannot be 1; expected True or False"),
        (lambda queue: queue.discard(which="waiting"), "discard is told no msgs"),
        (lambda queue: queue.discard(which="held", all=True), "which cannot be 'held'"),
        (
            lambda queue: queue.discard(which="reported", error="x"),
            "error goes with failed msgs alone, and which is 'reported'",
        ),
        (lambda queue: queue.peek(0), "limit cannot be 0"),
    ],
)
def test_arguments_are_checked(queue: Any, call: Any, sentence: str) -> None:
    with pytest.raises(pena.SettingsError, match=sentence):
        call(queue)


def test_a_closed_queue_says_so(kind: Any, server: pena.Server) -> None:
    with kind(server.url) as queue:
        queue.submit_one(1)
        queue.close()
        with pytest.raises(pena.NotRunningError, match="the queue default is closed"):
            queue.stats()
        queue.close()


def test_an_address_of_ipv6(kind: Any) -> None:
    server = pena.Server(listen="[::1]:0", generate=False)
    try:
        server.start()
    except pena.ListenError:
        pytest.skip("no IPv6 here")
    with server, kind(server.url) as queue:
        assert queue.submit_one("a") in server.queue


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.fixture(scope="module")
def lasting() -> Iterator[pena.Queue]:
    with pena.Server(generate=False) as server, pena.Queue(server.url) as queue:
        yield queue


@given(payloads=st.lists(JSON, min_size=1, max_size=5))
@settings(deadline=None, max_examples=150)
def test_payloads_come_back_as_they_went(lasting: pena.Queue, payloads: list[Any]) -> None:
    lasting.submit(payloads)
    came = [msg.payload for msg in lasting.peek()]
    assert lasting.discard(which="waiting", all=True) == len(payloads)
    assert json.dumps(came) == json.dumps(payloads)  # 1, 1.0 and True are not the same
