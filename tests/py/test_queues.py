"""Queues, keys, dates, results: what whoever submits says of a msg, and what is known of it."""

from datetime import datetime, timedelta, timezone

import pytest

import pena
from pena import Outcome, State
from support.site import Site
from support.stream import post


def submit(site: Site, url: str, *msgs: dict[str, object], query: str = "") -> list[str]:
    ids = post(url, f"/task{query}", list(msgs), 201)["ids"]
    site.submitted.update(ids)
    return ids


def test_a_client_is_sent_msgs_of_its_queues_alone(site: Site) -> None:
    server = site.server(generate=False)
    mail, both = (site.stream(server.url, 1, more=f"&queue={q}") for q in ("mail", "mail,default"))
    (plain,) = site.submit(server.url, 1)
    batch = both.next_batch()
    assert batch.ids == [plain]
    (letter,) = submit(site, server.url, {"period": 2}, query="?queue=mail")
    sent = mail.next_batch()
    assert sent.ids == [letter]
    both.report(batch)
    mail.report(sent)
    assert {id: record.queue for id, record in server.report.items()} == {
        plain: "default",
        letter: "mail",
    }


def test_the_buckets_are_over_all_queues_in_the_order_of_ids(site: Site) -> None:
    server = site.server(generate=False)
    names = ["default", "mail", "film"]
    msgs = [{"period": n, "queue": names[n % 3]} for n in range(2400)]
    ids = submit(site, server.url, *msgs)
    assert list(server.queue) == ids
    assert [msg.queue for msg in server.queue.values()] == [names[n % 3] for n in range(2400)]
    assert server.queue[ids[1]].queue == "mail"
    with pena.Store(site.store) as store:
        assert list(store.queue.items()) == list(server.queue.items())


def test_what_is_not_due_is_in_later(site: Site) -> None:
    server = site.server(generate=False)
    stream = site.stream(server.url, 1)
    begun = datetime.now(timezone.utc)
    far, near = submit(
        site, server.url, {"period": 1, "delay": 3_600_000}, {"period": 2, "delay": 200}
    )
    assert list(server.later) == [far, near] or list(server.later) == [far]
    due = server.later[far].due_at
    assert due is not None
    assert timedelta(hours=1) <= due - begun < timedelta(hours=1, minutes=1)
    with pytest.raises(KeyError):
        server.queue[far]
    batch = stream.next_batch()  # when it is due
    assert batch.ids == [near]
    stream.report(batch)
    assert server.report[near].attempts == 1
    assert server.counts() == pena.BucketCounts(queue=0, later=1, batch=0, report=1, fail=0)
    assert repr(server.later) == "<bucket later: 1>"


def test_what_a_client_says_failed_comes_back_after_a_backoff(site: Site) -> None:
    server = site.server(generate=False, retry_first=0.1, retry_factor=2, retry_most=60.0)
    stream = site.stream(server.url, 1)
    (id,) = site.submit(server.url, 1)
    for wait in (0.1, 0.2):
        stream.report(stream.next_batch(), [], failed=[{"id": id, "error": "no"}])
        if (msg := server.later.get(id)) is not None and msg.due_at is not None:
            backoff = (msg.due_at - msg.misses[-1].missed_at).total_seconds()
            assert wait <= backoff <= wait * 1.25
    batch = stream.next_batch()
    assert batch.msgs[0]["attempt"] == 3
    stream.report(batch)
    first, second = server.report[id].misses
    assert (second.granted_at - first.missed_at).total_seconds() >= 0.1
    assert (server.report[id].granted_at - second.missed_at).total_seconds() >= 0.2


def test_a_client_says_when_a_failed_msg_comes_back_or_that_it_does_not(site: Site) -> None:
    server = site.server(generate=False)
    stream = site.stream(server.url, 2)
    a, b = site.submit(server.url, 1, 2)
    failed = [{"id": a, "retry_in": 3_600_000}, {"id": b, "final": True, "error": "no such user"}]
    stream.report(stream.next_batch(), [], failed=failed)
    assert list(server.fail) == [b]
    assert server.fail[b].attempts == 1
    due = server.later[a].due_at
    assert due == server.later[a].misses[0].missed_at + timedelta(hours=1)


def test_a_msg_says_how_often_it_may_be_sent_again(site: Site) -> None:
    server = site.server(generate=False)
    stream = site.stream(server.url, 1)
    (id,) = submit(site, server.url, {"period": 1, "max_resends": 0})
    assert server.queue.get(id) is None or server.queue[id].max_resends == 0
    stream.report(stream.next_batch(), [])
    assert (server.fail[id].attempts, server.fail[id].max_resends) == (1, 0)


def test_a_key_names_a_msg_within_its_queue(site: Site) -> None:
    server = site.server(generate=False)
    msg = {"period": 1, "key": "order 7"}
    (id,) = submit(site, server.url, msg)
    answer = post(server.url, "/task", msg, 201)
    assert answer == {"ids": [id], "known": [id]}
    (other,) = submit(site, server.url, msg | {"queue": "mail"})
    assert other != id
    refused = post(server.url, "/task", msg | {"period": 2}, 409)
    assert "order 7" in refused["error"]
    assert [msg.key for msg in server.queue.values()] == ["order 7"] * 2


def test_a_report_keeps_what_came_out_of_a_msg(site: Site) -> None:
    server = site.server(generate=False)
    stream = site.stream(server.url, 2)
    a, b = site.submit(server.url, 1, 2)
    stream.report(stream.next_batch(), results={a: [1, None, {"x": "ключ"}]})
    assert server.report[a].result == [1, None, {"x": "ключ"}]
    assert server.report[b].result is None
    story = server.story(a)
    assert story is not None
    assert story.result == [1, None, {"x": "ключ"}]


def test_a_story_tells_where_a_msg_is_and_what_became_of_it(site: Site) -> None:
    server = site.server(generate=False, retry_first=0)
    stream = site.stream(server.url, 1, more="&name=worker%201")
    waits = submit(site, server.url, {"delay": 3_600_000, "queue": "mail", "key": "k"})[0]
    story = server.story(waits)
    assert story is not None
    assert (story.state, story.queue, story.key) == (State.later, "mail", "k")
    assert (story.attempts, story.deliveries, story.due_at is None) == (0, (), False)

    (id,) = submit(site, server.url, {"period": 3, "payload": {"a": 1}})
    stream.report(stream.next_batch(), [], failed=[{"id": id, "error": "no"}])
    batch = stream.next_batch()
    story = server.story(id)
    assert story is not None
    assert (story.state, story.payload, story.attempts) == (State.held, {"a": 1}, 2)
    missed, held = story.deliveries
    assert (missed.outcome, missed.error, missed.name) == (Outcome.failed, "no", "worker 1")
    assert (held.outcome, held.ended_at, held.batch) == (Outcome.held, None, batch.batch)
    assert {missed.client, held.client} == {stream.client}

    stream.report(batch)
    with pena.Store(site.store) as store:
        story = store.story(id)
        assert story == server.story(id)
        assert store.story(waits) == server.story(waits)
    assert story is not None
    assert (story.state, story.result, story.payload) == (State.reported, None, None)
    assert [one.outcome for one in story.deliveries] == [Outcome.failed, Outcome.reported]
    assert story.settled_at == server.report[id].reported_at == story.deliveries[1].ended_at
    assert server.report[id].name == "worker 1"

    (failed,) = site.submit(server.url, 4)
    stream.report(stream.next_batch(), [], failed=[{"id": failed, "final": True}])
    story = server.story(failed)
    assert story is not None
    assert (story.state, story.attempts) == (State.failed, 1)
    (queued,) = submit(site, server.url, {"queue": "nobody"})
    story = server.story(queued)
    assert story is not None
    assert (story.state, story.queue) == (State.queued, "nobody")
    assert server.story("cjm1bl62c1n2m5ae7pgg") is None
    assert server.story("no id") is None
