"""R8 and POST /task: what is accepted, and what becomes of the ids and payloads that it brings."""

from pathlib import Path

import httpx
import pytest

import pena
from support.site import Site
from support.stream import post

XID = "ckkgmc3h5gbufi2sr320"


def test_a_msg_with_an_id_is_accepted_once(site: Site) -> None:
    server = site.server(generate=False)
    for known in ([], [XID], [XID]):
        answer = post(server.url, "/task", {"id": XID, "period": 5}, 201)
        assert answer == {"ids": [XID], "known": known}
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


def test_a_known_id_with_other_content_is_refused(site: Site) -> None:
    server = site.server(generate=False)
    stream = site.stream(server.url, 1)
    msg = {"id": XID, "period": 5, "payload": [1]}
    post(server.url, "/task", msg, 201)
    site.submitted.add(XID)
    others = [{"period": 6}, {"payload": [2]}, {"queue": "other"}, {"key": "k"}, {"max_resends": 1}]
    for _ in range(2):  # while it is held, and when it is reported
        for other in others:
            refused = post(server.url, "/task", [{"period": 9}, msg | other], 409)
            assert XID in refused["error"]
            assert f"which has another {next(iter(other))}; expected" in refused["error"]
            said_default = {"max_resends": 3}  # what a msg that does not say it has
            assert post(server.url, "/task", msg | said_default, 201)["known"] == [XID]
        if not server.report:
            stream.report(stream.next_batch())
    assert server.counts().total == 1


def test_an_id_that_the_server_gave_is_known_after_a_restart(site: Site) -> None:
    server = site.server(generate=False)
    ids = site.submit(server.url, *[1] * 50)
    server.stop()
    again = site.server(generate=False)
    body = [{"id": id, "period": 1} for id in ids]
    assert post(again.url, "/task", body, 201) == {"ids": ids, "known": ids}
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
