"""The usual reverse proxies in front of a server, as they come: nothing is lost or late."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from support.proxy import PROXIES, Proxy
from support.site import Site
from support.stream import get, post

NAME = "pena.example.com"


class Front:
    """A server, and a proxy in front of it."""

    def __init__(self, name: str, folder: Path, site: Site) -> None:
        self.name, self.folder, self.site = name, folder, site
        self.proxy: Proxy | None = None

    def start(self, *options: str, quick: bool = True) -> str:
        """Start both; return the proxy's URL."""
        server = self.site.process("--no-generate", *options, quick=quick)
        self.proxy = Proxy(self.name, self.folder, urlsplit(server.url).netloc)
        return self.proxy.url


@pytest.fixture(params=list(PROXIES))
def front(request: pytest.FixtureRequest, tmp_path: Path, site: Site) -> Iterator[Front]:
    folder = tmp_path / "proxy"
    folder.mkdir()
    front = Front(request.param, folder, site)
    try:
        yield front
    finally:
        if front.proxy is not None:
            front.proxy.stop()


def test_work_goes_out_and_reports_come_in(front: Front) -> None:
    url = front.start()
    stream = front.site.stream(url, 2)
    stream.expect_nothing()  # a heartbeat is a few bytes: a proxy that buffers keeps them back
    reported: list[str] = []
    for _ in range(3):
        submitted = front.site.submit(url, 1, 2)
        batch = stream.next_batch()
        assert batch.ids == submitted
        assert stream.report(batch)["reported"] == 2
        reported += batch.ids
        assert get(url, "/report")["ids"] == reported  # now, and not as of the first time
    assert get(url, "/fail")["ids"] == []


def test_a_large_submission_goes_through(front: Front) -> None:
    url = front.start()
    msgs = [{"period": 1, "payload": "x" * 1000} for _ in range(500)]
    front.site.submitted.update(post(url, "/task", msgs, 201)["ids"])
    stream = front.site.stream(url, 500)
    assert stream.report(stream.next_batch())["reported"] == 500


def test_a_stream_that_is_closed_in_front_is_lost_behind(front: Front) -> None:
    url = front.start()
    ids = front.site.submit(url, 1)
    first = front.site.stream(url, 1)
    assert first.next_batch().ids == ids
    first.close()
    second = front.site.stream(url, 1)
    again = second.next_batch()
    assert again.ids == ids
    assert again.msgs[0]["attempt"] == 2
    second.report(again)


def test_penas_client_works_behind_it(front: Front) -> None:
    url = front.start(quick=False)
    ids = front.site.submit(url, *[1] * 10)
    client = front.site.client(url, batchsize=5, max_batches=2)
    assert client.wait(20)
    assert sorted(get(url, "/report")["ids"]) == ids


def test_a_page_of_the_site_may_use_it(front: Front) -> None:
    url = front.start(f"--allow-host={NAME}")
    for scheme in ("http", "https"):
        headers = {"Host": NAME, "Origin": f"{scheme}://{NAME}"}
        answer = httpx.post(f"{url}/report", content="[]", headers=headers, timeout=20)
        assert answer.status_code == 200, answer.text
    evil = {"Host": NAME, "Origin": "http://evil.example"}
    assert httpx.post(f"{url}/report", content="[]", headers=evil, timeout=20).status_code == 403


@pytest.mark.parametrize("front", ["haproxy", "caddy", "nginx that passes Host on"], indirect=True)
def test_a_name_that_comes_through_has_to_be_given(front: Front) -> None:
    url = front.start()
    answer = httpx.get(f"{url}/healthz", headers={"Host": NAME}, timeout=20)
    assert answer.status_code == 403
    assert "--allow-host" in answer.json()["error"]


def test_a_forwarded_port_is_no_matter(site: Site) -> None:
    server = site.process("--no-generate")
    where = urlsplit(server.url)
    for host in ("localhost:9999", "192.168.1.20:18080", "pena", "host.docker.internal:8080"):
        for headers in ({}, {"Origin": f"http://{host}"}):
            answer = httpx.post(
                f"{server.url}/report", content="[]", headers={"Host": host, **headers}, timeout=20
            )
            assert answer.status_code == 200, answer.text
    # The whole of it in bytes, as ssh -L carries it.
    with socket.create_connection((where.hostname, where.port)) as peer:
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost:9999\r\nConnection: close\r\n\r\n")
        answer_bytes = b"".join(iter(lambda: peer.recv(4096), b""))
    head, body = answer_bytes.split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\nDate: ")
    assert json.loads(body)["status"] == "ok"
