"""R8: whatever reads Server-Sent Events is a client of Pena."""

import json
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import requests
import urllib3
from httpx_sse import connect_sse

from support.npm import installed
from support.poll import until
from support.ports import held_port
from support.process import foreign_environment
from support.site import Site
from support.stream import post

JS = Path(__file__).parent.parent / "js"


@contextmanager
def reading(*command: str) -> Iterator[subprocess.Popen[str]]:
    """Start a foreign program to read from; it is killed when its time is up."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    clean = foreign_environment()
    program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=clean)
    end = threading.Timer(60, program.kill)
    end.start()
    try:
        with program:
            yield program
    finally:
        end.cancel()


def test_curl_is_a_client(site: Site) -> None:
    server = site.server()
    clean = foreign_environment()
    command = ["curl", "-N", "-s", f"{server.url}/task?batchsize=2"]
    with reading(*command) as curl:
        assert curl.stdout is not None
        data = (line.removeprefix("data: ") for line in curl.stdout if line.startswith("data: "))
        try:
            for _ in range(3):
                ids = [json.loads(next(data))["id"] for _ in range(2)]
                report = ["curl", "-s", "-d", json.dumps(ids), f"{server.url}/report"]
                answer = json.loads(subprocess.check_output(report, env=clean))
                assert answer["message"] == "success"
                assert list(server.report)[-2:] == ids
        finally:
            curl.kill()


def test_httpx_sse_is_a_client(site: Site) -> None:
    server = site.server()
    with httpx.Client(base_url=server.url, timeout=20) as http:
        with connect_sse(http, "GET", "/task", params={"batchsize": 3}) as source:
            events = source.iter_sse()
            for _ in range(3):
                batch = [next(events) for _ in range(3)]
                assert {event.event for event in batch} == {"message"}
                assert len({event.id for event in batch}) == 1
                ids = [event.json()["id"] for event in batch]
                assert http.post("/report", json={"ids": ids}).json()["reported"] == 3
                assert set(ids) <= set(server.report)


def test_a_cut_stream_is_an_error_to_curl(site: Site) -> None:
    for by, end in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 0)):
        server = site.process("--no-generate")
        command = ["curl", "-N", "-s", f"{server.url}/task?batchsize=2"]
        with reading(*command) as curl:
            assert curl.stdout is not None
            assert curl.stdout.readline().startswith(": at=")
            assert server.stop(by) == end
            curl.stdout.read()
        assert curl.returncode == 18  # "partial file"


def test_a_stream_that_got_all_it_asked_for_ends_well(site: Site) -> None:
    server = site.server(count=2)
    command = ["curl", "-N", "-s", f"{server.url}/task?batchsize=2&batches=1"]
    with reading(*command) as curl:
        assert curl.stdout is not None
        data = (line.removeprefix("data: ") for line in curl.stdout if line.startswith("data: "))
        ids = [json.loads(next(data))["id"] for _ in range(2)]
        post(server.url, "/report", ids)
        assert list(data) == []
    assert curl.returncode == 0


# No heartbeat comes in time to fill a block up.
RARE = {"heartbeat": 30.0, "silence": 60.0, "drop_grace": 70.0}


def first_line_with_data(chunks: Iterator[bytes]) -> bytes:
    """Take no more of the chunks than is needed to find it."""
    seen = b""
    while b"\n\n" not in seen:
        seen += next(chunks)
    return next(line for line in seen.splitlines() if line.startswith(b"data: "))


@pytest.mark.parametrize("block", [1, 512, 10_000])
def test_who_reads_blocks_sees_a_msg_at_once(site: Site, block: int) -> None:
    server = site.server(count=1, **RARE)
    url = f"{server.url}/task?batchsize=1"
    stream = requests.get(url, stream=True, timeout=20)
    with stream:
        lines = stream.iter_lines(chunk_size=block)
        data = next(line for line in lines if line.startswith(b"data: "))
        msg = json.loads(data.removeprefix(b"data: "))
        assert requests.post(f"{server.url}/report", json=[msg["id"]], timeout=20).ok
        with urllib3.PoolManager(timeout=20) as pool:
            with pool.request("GET", url, preload_content=False) as more:
                site.submit(server.url, 7)
                seen = first_line_with_data(stream.iter_content(block))
                assert json.loads(seen.removeprefix(b"data: "))["period"] == 7
                site.submit(server.url, 8)
                seen = first_line_with_data(more.stream(block))
                assert json.loads(seen.removeprefix(b"data: "))["period"] == 8


def test_an_idle_stream_is_no_event_and_no_endless_block(site: Site) -> None:
    # Its first batch is held for some 2,500 heartbeats, however slowly they come.
    server = site.server(generate=False, heartbeat=0.001, lease=600.0)
    with httpx.Client(base_url=server.url, timeout=20) as http:
        with connect_sse(http, "GET", "/task", params={"batchsize": 1}) as source:
            events = source.iter_sse()
            (id,) = site.submit(server.url, 1)
            assert next(events).json()["id"] == id
            later = site.stream(server.url, 1)
            lines = later.read_to_a_block_end()
            assert 40 * 1024 < lines * len(": at=1795461517194\n") < 64 * 1024
            later.close()
            until(lambda: server.stats.clients_lost == 1, "its end was seen")
            http.post("/report", json=[id])
            (id,) = site.submit(server.url, 2)
            assert next(events).json()["id"] == id


@pytest.fixture(scope="session")
def eventsource() -> Path:
    """Return the folder of node programs with libraries of npm, installed where missing."""
    return installed(JS)


def test_a_browsers_eventsource_is_a_client(site: Site, eventsource: Path) -> None:
    server = site.server()
    command = ["node", str(eventsource / "work.js"), server.url, "4", "3"]
    clean = foreign_environment()
    node = subprocess.run(
        command, capture_output=True, text=True, timeout=30, check=False, env=clean
    )
    assert node.returncode == 0, node.stderr
    batches = [json.loads(line) for line in node.stdout.splitlines()]
    assert [len(batch["msgs"]) for batch in batches] == [4, 4, 4]
    assert all(batch["answer"]["reported"] == 4 for batch in batches)
    assert len({batch["batch"] for batch in batches}) == 3
    assert len(server.report) == 12


@pytest.mark.parametrize("library", ["eventsource", "fetch-event-source"])
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_a_library_comes_back_by_itself(
    site: Site, eventsource: Path, library: str, by: signal.Signals
) -> None:
    with held_port() as port:
        listen = f"127.0.0.1:{port}"
        server = site.process("--no-generate", listen=listen)
        with reading("node", str(eventsource / "come_back.js"), server.url, library) as node:
            assert node.stdout is not None
            try:
                for _ in range(2):
                    ids = site.submit(server.url, 1, 2)
                    assert [node.stdout.readline().strip() for _ in ids] == ids
                    server.stop(by)
                    server = site.process("--no-generate", listen=listen)
                ids = site.submit(server.url, 3)
                assert node.stdout.readline().strip() == ids[0]
            finally:
                node.kill()


def test_the_stream_has_the_headers_that_proxies_need(site: Site) -> None:
    server = site.server()
    headers = site.stream(server.url, 1).response.headers
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-cache, no-transform"
    assert headers["x-accel-buffering"] == "no"
    assert headers["transfer-encoding"] == "chunked"
    assert len(headers["pena-client"]) == 20
