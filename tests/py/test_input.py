"""R8 and POST /task: what is accepted, and what bad input is answered."""

from pathlib import Path

import httpx
import pytest

import pena
from support.site import Site
from support.stream import get, post

XID = "ckkgmc3h5gbufi2sr320"

BAD_BATCHSIZES = [
    "",
    "?",
    "?batchsize",
    "?batchsize=",
    "?batchsize=0",
    "?batchsize=-1",
    "?batchsize=%2B1",
    "?batchsize=1.5",
    "?batchsize=1e3",
    "?batchsize=0x10",
    "?batchsize=ten",
    "?batchsize=%201",
    "?batchsize=1%00",
    "?batchsize=%D9%A1",
    "?batchsize=10001",
    "?batchsize=4294967297",
    "?batchsize=99999999999999999999999999",
    "?batchsize=2&batchsize=2",
    "?Batchsize=2",
]


@pytest.mark.parametrize("query", BAD_BATCHSIZES)
def test_a_bad_batchsize_is_answered_400(site: Site, query: str) -> None:
    server = site.server()
    answer = httpx.get(f"{server.url}/task{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json().keys() == {"error"}
    assert "batchsize" in answer.json()["error"]
    assert server.stats.clients_joined == 0


def test_query_keys_that_nobody_knows_are_ignored(site: Site) -> None:
    server = site.server()
    stream = site.stream(server.url, 2, more="&_=1732386000&lastEventId=")
    assert len(stream.next_batch().msgs) == 2


def test_a_msg_with_an_id_is_accepted_once(site: Site) -> None:
    server = site.server(generate=False)
    for _ in range(3):
        assert post(server.url, "/task", {"id": XID, "period": 5}, 201) == {"ids": [XID]}
    site.submitted.add(XID)
    assert list(server.queue) == [XID]
    stream = site.stream(server.url, 1)
    batch = stream.next_batch()
    assert batch.ids == [XID]
    post(server.url, "/task", {"id": XID, "period": 5}, 201)  # while it is held
    stream.report(batch)
    post(server.url, "/task", {"id": XID, "period": 5}, 201)  # and when it is reported
    stream.expect_nothing()
    assert list(server.report) == [XID]


def test_an_id_that_the_server_has_yet_to_make_is_refused(site: Site) -> None:
    server = site.server(generate=False)
    (made,) = site.submit(server.url, 1)
    to_come = "v" + made[1:]  # the same machine and process, decades from now
    refused = post(server.url, "/task", {"id": to_come, "period": 1}, 400)
    assert to_come in refused["error"]
    assert "yet to make" in refused["error"]
    post(server.url, "/task", {"id": made, "period": 1}, 201)  # again what was accepted: no harm
    assert list(server.queue) == [made]


def test_an_id_that_the_server_gave_is_known_after_a_restart(site: Site) -> None:
    server = site.server(generate=False)
    ids = site.submit(server.url, *[1] * 50)
    server.stop()
    again = site.server(generate=False)
    body = [{"id": id, "period": 1} for id in ids]
    assert post(again.url, "/task", body, 201) == {"ids": ids}
    (later,) = site.submit(again.url, 1)
    assert later > max(ids)
    assert list(again.queue) == [*ids, later]


def test_an_id_of_another_server_of_the_process_is_taken(site: Site, tmp_path: Path) -> None:
    server = site.server(generate=False)
    with pena.Server(store=tmp_path / "other", generate=False) as other:
        made = [post(other.url, "/task", {"period": 1}, 201)["ids"][0] for _ in range(5)]
        for id in made:
            post(server.url, "/task", {"id": id, "period": 1}, 201)
            site.submitted.add(id)
    assert list(server.queue) == made


def test_many_msgs_are_accepted_at_once_and_in_order(site: Site) -> None:
    server = site.server(generate=False)
    ids = site.submit(server.url, 3, 1, 2)
    assert [server.queue[id].period for id in ids] == [3, 1, 2]
    assert ids == sorted(ids)


@pytest.mark.parametrize(
    ("path", "body", "names"),
    [
        ("/task", "{", "JSON"),
        ("/task", '{"period":-1}', "period"),
        ("/task", '{"period":"5"}', "period"),
        ("/task", '{"id":"short"}', "short"),
        ("/task", '{"perod":5}', "perod"),
        ("/report", "{}", "ids"),
        ("/report", '{"ids":["no xid"]}', "no xid"),
        ("/report", '{"ids":5}', "ids"),
        ("/report", "", "JSON"),
    ],
)
def test_a_bad_body_is_answered_with_what_was_wrong(
    site: Site, path: str, body: str, names: str
) -> None:
    server = site.server(generate=False)
    answer = httpx.post(server.url + path, content=body)
    assert answer.status_code == 400
    assert names in answer.json()["error"]


def test_a_method_or_path_that_is_not_there(site: Site) -> None:
    server = site.server(generate=False)
    assert "error" in get(server.url, "/nothing", 404)
    answer = httpx.put(f"{server.url}/task")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    head = httpx.head(f"{server.url}/task?batchsize=2")
    assert (head.status_code, head.content) == (200, b"")
    assert server.stats.clients_joined == 0


def test_a_payload_as_deep_as_may_be_can_be_read_in_python() -> None:
    deepest = 500
    with pena.Server(generate=False, limits={"json_depth": deepest}) as server:
        payload = "[" * deepest + "]" * deepest
        answer = httpx.post(server.url + "/task", content='{"payload":' + payload + "}")
        assert answer.status_code == 201
        (msg,) = server.queue.values()
        depth, level = 1, msg.payload
        while level:
            depth, level = depth + 1, level[0]
        assert depth == deepest
    with pytest.raises(pena.SettingsError, match="json_depth must be from 1 to 500, not 501"):
        pena.Server(limits={"json_depth": deepest + 1})
