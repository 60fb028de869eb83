"""R8: whatever reads Server-Sent Events is a client of Pena."""

import json
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
from httpx_sse import connect_sse

from support.process import foreign_environment
from support.site import Site

JS = Path(__file__).parent.parent / "js"


def test_curl_is_a_client(site: Site) -> None:
    server = site.server()
    clean = foreign_environment()
    command = ["curl", "-N", "-s", f"{server.url}/task?batchsize=2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=clean) as curl:
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


@pytest.fixture(scope="session")
def eventsource() -> Path:
    """Return the folder of a node program with the EventSource of npm, installed where missing."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    if not (JS / "node_modules").is_dir():
        install = ["npm", "ci", "--silent"]
        clean = foreign_environment()
        subprocess.run(install, cwd=JS, check=True, capture_output=True, env=clean)
    return JS


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


def test_the_stream_has_the_headers_that_proxies_need(site: Site) -> None:
    server = site.server()
    headers = site.stream(server.url, 1).response.headers
    assert headers["content-type"] == "text/event-stream"
    assert headers["cache-control"] == "no-cache, no-transform"
    assert headers["x-accel-buffering"] == "no"
    assert len(headers["pena-session"]) == 20
