"""Pauses, what waits and is deleted, and how it stands: what whoever runs a server does."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

import pena
from support.poll import until
from support.site import Site
from support.stream import TIMEOUT, get, post


def submit(site: Site, url: str, *msgs: dict[str, object]) -> list[str]:
    ids = post(url, "/task", list(msgs), 201)["ids"]
    site.submitted.update(ids)
    return ids


def delete_waiting(url: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = httpx.request("DELETE", url + "/queue", json=body, timeout=TIMEOUT)
    assert answer.status_code == 200, answer.text
    return answer.json()


def date_of(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


# ---- pauses


@pytest.mark.parametrize("queue", ["mail", "default"])
def test_a_paused_queue_takes_msgs_and_hands_out_none(site: Site, queue: str) -> None:
    server = site.server(generate=False)
    typo = {} if queue == "default" else {"known": False}  # for nobody has used it so far
    assert post(server.url, f"/queue/{queue}/pause", {}) == {"queue": queue, "paused": True} | typo
    stream = site.stream(server.url, 2, more=f"&queue={queue}")
    other = site.stream(server.url, 1, more="&queue=other")
    ids = submit(site, server.url, {"queue": queue}, {"queue": queue})
    (elsewhere,) = submit(site, server.url, {"queue": "other"})
    assert other.next_batch().ids == [elsewhere]  # another queue goes on
    stream.expect_nothing()
    assert list(server.queue) == ids
    assert post(server.url, f"/queue/{queue}/resume", {}) == {"queue": queue, "paused": False}
    batch = stream.next_batch()
    assert batch.ids == ids
    assert stream.report(batch)["reported"] == 2


def test_a_pause_survives_a_restart_and_needs_no_msg(site: Site) -> None:
    server = site.server(generate=False)
    for queue in ("mail", "default"):
        answer = httpx.post(f"{server.url}/queue/{queue}/pause", timeout=TIMEOUT)  # without a body
        assert answer.json().items() >= {"queue": queue, "paused": True}.items()
    server.stop()
    again = site.server(generate=False)
    paused = {one["queue"]: one["paused"] for one in get(again.url, "/stats")["queues"]}
    assert paused == {"mail": True, "default": True}
    stream = site.stream(again.url, 1, more="&queue=mail,default")
    (letter,) = submit(site, again.url, {"queue": "mail"})
    (plain,) = submit(site, again.url, {})
    stream.expect_nothing()
    post(again.url, "/queue/default/resume", {})
    batch = stream.next_batch()
    assert batch.ids == [plain]
    stream.report(batch)
    stream.expect_nothing()
    post(again.url, "/queue/mail/resume", {})
    batch = stream.next_batch()
    assert batch.ids == [letter]
    stream.report(batch)


def test_what_is_held_of_a_paused_queue_is_reported_or_waits(site: Site) -> None:
    server = site.server(generate=False)
    stream = site.stream(server.url, 2)
    done, missed = site.submit(server.url, 1, 2)
    batch = stream.next_batch()
    post(server.url, "/queue/default/pause", {})
    assert stream.report(batch, [done])["reported"] == 1
    stream.expect_nothing()
    assert list(server.queue) == [missed]
    post(server.url, "/queue/default/resume", {})
    again = stream.next_batch()
    assert again.msgs[0]["attempt"] == 2
    stream.report(again)


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/queue/Mail/pause", None, "1 to 64 of a-z, 0-9"),
        ("/queue/mail/pause", [], "expected none, or {}"),
        ("/queue/mail/resume", {"paused": False}, '"paused"'),
        ("/queue/mail/pause?for=5m", None, '"for"'),
    ],
)
def test_what_is_no_pause_is_a_sentence(site: Site, path: str, body: Any, sentence: str) -> None:
    server = site.server(generate=False)
    answer = httpx.post(server.url + path, json=body, timeout=TIMEOUT)
    assert answer.status_code == 400
    assert sentence in answer.json()["error"]


# ---- what waits is deleted


def test_msgs_that_wait_are_deleted_by_their_ids(site: Site) -> None:
    server = site.server(generate=False)
    stream = site.stream(server.url, 1)
    (held,) = site.submit(server.url, 1)
    batch = stream.next_batch()
    gone, stays = site.submit(server.url, 2, 3)
    (later,) = submit(site, server.url, {"delay": 3_600_000, "queue": "mail", "key": "k"})
    nobody = "9m4e2mr0ui3e8a215n4g"
    ids = [held, gone, later, nobody]
    tried = delete_waiting(server.url, {"ids": ids, "dry_run": True})
    assert tried == {"message": "success", "deleted": 2, "unknown": 2, "dry_run": True}
    assert server.counts() == pena.BucketCounts(queue=2, later=1, batch=1, report=0, fail=0)
    done = delete_waiting(server.url, {"ids": ids})
    assert done == {"message": "success", "deleted": 2, "unknown": 2}
    site.submitted -= {gone, later}
    assert list(server.queue) == [stays]
    assert list(server.later) == []
    assert stream.report(batch)["reported"] == 1  # what a client holds is left alone
    # What was deleted is known no longer, by its id or its key.
    assert server.story(gone) is None
    assert gone in get(server.url, f"/task/{gone}", 404)["error"]
    again = submit(site, server.url, {"id": gone}, {"queue": "mail", "key": "k", "payload": 1})
    assert again[0] == gone
    assert again[1] != later
    assert server.stats.forgotten == 2


def test_msgs_that_wait_are_deleted_by_queue_and_date(site: Site) -> None:
    server = site.server(generate=False)
    mail = submit(site, server.url, {"queue": "mail"}, {"queue": "mail", "delay": 3_600_000})
    (plain,) = submit(site, server.url, {})
    accepted = max(msg.accepted_at for msg in server.queue.values())
    border = int(accepted.timestamp() * 1000) + 1
    until(lambda: time.time() * 1000 > border + 1, "it is later")
    (young,) = submit(site, server.url, {"queue": "mail"})
    body = {"all": True, "queue": "mail", "before": border}
    assert delete_waiting(server.url, {**body, "dry_run": True})["deleted"] == 2
    assert delete_waiting(server.url, body)["deleted"] == 2
    site.submitted -= set(mail)
    assert list(server.queue) == [plain, young]
    assert len(server.later) == 0
    assert delete_waiting(server.url, {"all": True, "queue": "never"})["deleted"] == 0
    assert delete_waiting(server.url, {"all": True})["deleted"] == 2
    site.submitted -= {plain, young}
    refused = httpx.request("DELETE", server.url + "/queue", json={"all": True, "error": "x"})
    assert refused.status_code == 400
    assert '"error"' in refused.json()["error"]


def test_which_are_deleted_is_said_in_the_body_alone(site: Site) -> None:
    server = site.server(generate=False)
    site.submit(server.url, 1)
    answer = httpx.request("DELETE", server.url + "/queue?queue=mail", json={"all": True})
    assert answer.status_code == 400
    assert len(server.queue) == 1


# ---- how it stands


def test_clients_are_told_with_what_they_hold(site: Site) -> None:
    begun = datetime.now(timezone.utc) - timedelta(milliseconds=1)
    server = site.server(generate=False)
    stream = site.stream(server.url, 3, more="&queue=high,low&name=img-1%40host7&submitted=1")
    plain = site.stream(server.url, 1)
    ids = submit(site, server.url, {"queue": "low"}, {"queue": "high"}, {"queue": "high"})
    batch = stream.next_batch()
    clients = {one["client"]: one for one in get(server.url, "/clients")["clients"]}
    assert clients.keys() == {stream.client, plain.client}
    busy, free = clients[stream.client], clients[plain.client]
    assert begun <= date_of(busy.pop("since")) <= datetime.now(timezone.utc)
    assert 0 < busy.pop("lease_left") <= 20_000
    assert busy.pop("address").startswith("127.0.0.1 port ")
    assert busy == {
        "client": stream.client,
        "name": "img-1@host7",
        "queues": ["high", "low"],
        "submitted": True,
        "batchsize": 3,
        "holds": 3,
        "batch": batch.batch,
    }
    assert free.keys() == {"client", "address", "queues", "batchsize", "since", "holds"}
    assert (free["queues"], free["holds"]) == (["default"], 0)
    of_low = get(server.url, "/clients?queue=low")["clients"]
    assert [one["client"] for one in of_low] == [stream.client]
    stream.report(batch, ids)


def test_batches_are_told_until_when(site: Site) -> None:
    server = site.server(generate=False, drop_grace=60)
    stream = site.stream(server.url, 2, more="&queue=mail,default&name=w")
    (letter,) = submit(site, server.url, {"queue": "mail"})
    held = stream.next_batch()
    assert held.ids == [letter]
    asked = datetime.now(timezone.utc)
    (running,) = get(server.url, "/batch")["batches"]
    assert (running["batch"], running["client"]) == (held.batch, stream.client)
    assert (running["name"], running["state"], running["ids"]) == ("w", "running", [letter])
    assert date_of(running["until"]) - date_of(running["granted_at"]) == pytest.approx(
        timedelta(seconds=20), abs=timedelta(milliseconds=2)
    )
    assert 0 < running["lease_left"] <= 20_000
    assert get(server.url, "/batch?queue=default") == {"batches": []}
    stream.close()
    dropped = until(
        lambda: [b for b in get(server.url, "/batch")["batches"] if b["state"] == "dropped"],
        "the stream's end is noticed",
    )
    assert date_of(dropped[0]["until"]) > asked + timedelta(seconds=50)
    assert list(server.batches) == [held.batch]  # Python reads the store's


def test_stats_add_up(site: Site) -> None:
    server = site.server(generate=False, max_resends=0)
    stream = site.stream(server.url, 3)
    ids = site.submit(server.url, 1, 2, 3)
    stream.report(stream.next_batch(), ids[:2])
    site.submit(server.url, 4, 5, 6)
    batch = stream.next_batch()
    site.submit(server.url, 7, 8)
    submit(site, server.url, {"queue": "mail", "delay": 3_600_000}, {"queue": "mail"})
    stats = get(server.url, "/stats")
    counts = server.counts()
    queues = stats["queues"]
    for name, count in (("queued", counts.queue), ("later", counts.later), ("held", counts.batch)):
        assert stats[name] == count == sum(one[name] for one in queues), name
    assert stats["reports"] == counts.report == sum(one["reported"] for one in queues) == 2
    assert stats["fails"] == counts.fail == sum(one["failed"] for one in queues) == 1
    assert stats["clients"] == {"free": 0, "busy": 1}
    assert [one["queue"] for one in queues] == ["default", "mail"]
    assert [one["clients"] for one in queues] == [1, 0]
    assert all(0 <= one["oldest_ms"] < 20_000 for one in queues)
    own = server.stats
    assert stats["counts"]["submitted"] == own.submitted == 10
    assert stats["counts"]["missed"]["omitted"] == own.omitted == 1
    assert stats["per_second"]["over_ms"] >= 0
    assert stats["per_second"].keys() == {
        *("submitted", "generated", "sent", "reported", "missed", "failed", "over_ms")
    }
    stream.report(batch)


def test_stats_come_in_pages_by_the_queues_names(site: Site) -> None:
    server = site.server(generate=False)
    names = ["a", "b", "default", "e", "z"]
    submit(site, server.url, *({"queue": name} for name in reversed(names)))
    seen: list[str] = []
    after = ""
    while True:
        page = get(server.url, f"/stats?limit=2{after}")
        assert len(page["queues"]) <= 2
        assert page["queued"] == 5  # of all of them, on each page
        seen += [one["queue"] for one in page["queues"]]
        if "next" not in page:
            break
        after = f"&after={page['next']}"
    assert seen == names
    (one,) = get(server.url, "/stats?queue=e")["queues"]
    assert (one["queue"], one["queued"]) == ("e", 1)


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/clients?limit=1001", "a whole number from 1 to 1000"),
        ("/stats?limit=0", "a whole number from 1 to 1000"),
        ("/batch?records=1", 'the query has "records"; expected limit, after or queue'),
        ("/batch?since=1", '"since"'),
        ("/queue?since=0", '"since"'),
        ("/later?since=0", '"since"'),
        ("/report?limt=5", 'the query has "limt"; expected limit, after, records, queue or since'),
        ("/task?key=a&batchsize=1", '"batchsize"'),
        ("/stats?after=Mail", "the name of a queue"),
        ("/clients?after=mail", "expected an id"),
    ],
)
def test_a_query_that_does_nothing_is_a_sentence(site: Site, path: str, sentence: str) -> None:
    server = site.server(generate=False)
    assert sentence in get(server.url, path, 400)["error"]


# ---- what has ended is forgotten


def test_what_has_ended_is_kept_as_long_as_was_said(site: Site) -> None:
    server = site.server(
        generate=False, max_resends=0, keep_reports=2, keep_fails=timedelta(milliseconds=100)
    )
    stream = site.stream(server.url, 5)
    ids = site.submit(server.url, 1, 2, 3, 4, 5)
    stream.report(stream.next_batch(), ids[:4])
    until(lambda: server.counts().report == 2, "the oldest reports are forgotten")
    until(lambda: server.counts().fail == 0, "the failed msg is forgotten")
    assert set(server.report) <= set(ids[:4])
    # A store shows a commit a moment before the counts do, where no answer waits for it.
    until(lambda: server.stats.swept_fails == 1, "what was swept is counted")
    assert server.stats.swept_reports == 2
    assert get(server.url, "/stats")["counts"]["swept_reports"] == 2
    site.submitted = set(server.report)
