"""Peers that mean harm, or mean nothing: the server serves the others, and nothing is lost."""

from __future__ import annotations

import json
import os
import random
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from math import inf
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from support.poll import until
from support.process import ServerProcess
from support.site import Site
from support.stream import post

READERS = 2000
# What one reader that never reads may cost. It holds a batch in the server's buffer at most.
# AddressSanitizer puts room around each thing, and keeps what was freed: then there is no bound.
KIB_A_READER = inf if "libasan" in os.environ.get("LD_PRELOAD", "") else 64


def connect(url: str) -> socket.socket:
    where = urlsplit(url)
    return socket.create_connection((where.hostname or "", where.port or 0), timeout=20)


def read_all(peer: socket.socket) -> bytes:
    whole = b""
    with suppress(ConnectionResetError):
        while piece := peer.recv(65536):
            whole += piece
    return whole


def allow(server: ServerProcess, kib: float) -> None:
    """Let the server have so much memory more than it has now; beyond that a request fails."""
    if kib == inf:
        return
    pid = server.process.pid
    with open(f"/proc/{pid}/status") as status:
        line = next(line for line in status if line.startswith("VmData:"))
    most = (int(line.split()[1]) + int(kib)) * 1024
    resource.prlimit(pid, resource.RLIMIT_DATA, (most, most))


def sockets_of(server: ServerProcess) -> int:
    count = 0
    for file in Path(f"/proc/{server.process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            count += os.readlink(file).startswith("socket:")
    return count


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < READERS + 500:
        pytest.skip(f"only {hard} descriptors may be open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, READERS + 500), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_2000_readers_that_never_read_cost_a_bounded_memory(site: Site, many_files: None) -> None:
    server = site.process("--no-generate", "--max-connections=3000", quick=False)
    payload = "x" * 1000
    with ExitStack() as opened:
        allow(server, KIB_A_READER * READERS)
        for _ in range(READERS):
            peer = opened.enter_context(connect(server.url))
            peer.sendall(b"GET /task?batchsize=5 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for _ in range(10):
            msgs = [{"period": 1, "payload": payload} for _ in range(1000)]
            site.submitted.update(post(server.url, "/task", msgs, 201)["ids"])
        assert httpx.get(f"{server.url}/healthz", timeout=20).status_code == 200
    assert server.stop() == 0
    assert "memory" not in server.errors


def test_a_reader_that_never_reads_costs_one_batch_at_most(site: Site) -> None:
    readers, size = 20, 50
    # The lease, too: a stream may be left unread for as long as it.
    times = ("--stalled-write=500ms", "--lease=1s")
    server = site.process("--no-generate", *times, "--max-payload=64KiB")
    at_first = sockets_of(server)
    with ExitStack() as opened:
        peers = []
        for _ in range(readers):
            peer = opened.enter_context(socket.socket())
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            where = urlsplit(server.url)
            peer.connect((where.hostname or "", where.port or 0))
            peer.sendall(f"GET /task?batchsize={size} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            peers.append(peer)
        allow(server, 5 * KIB_A_READER * size * readers)
        # Far more than the kernel's buffers take, and three batches for each.
        payload = "x" * 60_000
        for _ in range(readers * 3):
            msgs = [{"period": 1, "payload": payload} for _ in range(size)]
            site.submitted.update(post(server.url, "/task", msgs, 201)["ids"])
        # None of them is waited for: what is read at last ends in the middle of the batch.
        until(lambda: sockets_of(server) <= at_first, "all of them were closed")
        for peer in peers:
            peer.settimeout(20)
            assert len(read_all(peer)) < size * len(payload)
    assert server.stop() == 0
    assert "memory" not in server.errors


def test_slow_headers_hold_up_nobody(site: Site) -> None:
    server = site.process("--header-time=500ms")
    with ExitStack() as opened:
        slow = [opened.enter_context(connect(server.url)) for _ in range(300)]
        for i, peer in enumerate(slow):
            peer.sendall(
                b"GET /task?batchsize=1 HTTP/1.1\r\nHost: localhost\r\nX-Slow: "[: 10 + i % 50]
            )
        stream = site.stream(server.url, 3)
        assert len(stream.next_batch().msgs) == 3
        # Each is told so and closed, however it goes on dripping.
        for peer in slow:
            assert read_all(peer).startswith(b"HTTP/1.1 408")
        assert httpx.get(f"{server.url}/healthz").status_code == 200


BODIES = {
    "deep": b"[" * 5000 + b"]" * 5000,
    "deep objects": b'{"ids":' * 3000 + b"1" + b"}" * 3000,
    "duplicate keys": b'{"ids":[],"ids":[]}',
    "not UTF-8": b'{"ids":["\xff\xfe\xfd"]}',
    "overlong UTF-8": b'["\xc0\xaf"]',
    "numbers as ids": b'{"ids":[1,2,3]}',
    "a huge number": b"[" + b"9" * 100_000 + b"]",
    "a huge exponent": b"[1e999999999]",
    "null": b"null",
    "a boolean": b"true",
    "ids that is no array": b'{"ids":{"a":1}}',
    "a byte order mark": b'\xef\xbb\xbf["ckkgmc3h5gbufi2sr320"]',
    "garbage behind": b'["ckkgmc3h5gbufi2sr320"]]',
    "two values": b"[] []",
    "a lone surrogate": b'{"ids":[],"failed":[{"id":"ckkgmc3h5gbufi2sr320","error":"\\ud800"}]}',
    "NaN": b"[NaN]",
    "a comment": b"[/* */]",
    "a trailing comma": b'["ckkgmc3h5gbufi2sr320",]',
    "nothing": b"",
    "spaces": b" \n\t ",
    "zeros": b"\0" * 100,
}


@pytest.mark.parametrize("path", ["/report", "/task"])
def test_a_bad_body_is_answered_with_what_is_wrong(site: Site, path: str) -> None:
    server = site.server(count=10)
    stream = site.stream(server.url, 5)
    held = stream.next_batch()
    with httpx.Client() as client:
        for name, body in BODIES.items():
            answer = client.post(server.url + path, content=body)
            assert 400 <= answer.status_code < 500, f"{name}: {answer.status_code}"
            assert answer.json()["error"], name
    # Nothing of it touched what is held.
    assert post(server.url, "/report", {"ids": held.ids, "batch": held.batch})["reported"] == 5


def test_nonsense_in_reports_settles_nothing(site: Site) -> None:
    server = site.server(count=10)
    stream = site.stream(server.url, 5)
    held = stream.next_batch()
    unknown = ["00000000000000000000", "vvvvvvvvvvvvvvvvvvvg"]
    assert post(server.url, "/report", {"ids": unknown})["unknown"] == 2
    # Of a batch that is somebody else's name for nothing, and of a client taken for a batch.
    for batch in (unknown[0], held.ids[0]):
        answer = post(server.url, "/report", {"ids": held.ids, "batch": batch}, 409)
        assert (answer["reported"], answer["duplicate"], answer["unknown"]) == (0, 0, 5)
    assert post(server.url, "/report", {"ids": held.ids, "batch": held.batch})["reported"] == 5
    assert post(server.url, "/report", {"ids": held.ids, "batch": held.batch})["duplicate"] == 5


def test_requests_behind_a_stream_are_passed_over(site: Site) -> None:
    server = site.server(count=4)
    with connect(server.url) as peer:
        report = json.dumps({"ids": ["00000000000000000000"]}).encode()
        peer.sendall(
            b"GET /task?batchsize=2 HTTP/1.1\r\nHost: localhost\r\n\r\n"
            b"GET /fail HTTP/1.1\r\nHost: localhost\r\n\r\n"
            b"POST /report HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
            + str(len(report)).encode()
            + b"\r\n\r\n"
            + report
        )
        seen = b""
        while seen.count(b"data: ") < 2:
            seen += peer.recv(65536)
        assert seen.count(b"HTTP/1.1 ") == 1


def test_random_bytes_end_in_a_refusal_or_a_close(site: Site) -> None:
    server = site.process("--header-time=300ms", "--count=6")
    dice = random.Random(3)
    for _ in range(100):
        with connect(server.url) as peer:
            noise = dice.randbytes(dice.randrange(1, 3000))
            head = dice.choice([b"", b"GET ", b"POST /report HTTP/1.1\r\n", b"\r\n\r\n"])
            try:
                peer.sendall(head + noise)
                peer.shutdown(socket.SHUT_WR)
                answer = read_all(peer)
            except (ConnectionResetError, BrokenPipeError):
                continue
            refusal = (b"HTTP/1.1 4", b"HTTP/1.1 5")
            assert answer == b"" or answer.startswith(refusal), answer[:100]
    stream = site.stream(server.url, 6)
    held = stream.next_batch()
    assert post(server.url, "/report", {"ids": held.ids, "batch": held.batch})["reported"] == 6


def test_a_client_that_opens_and_leaves_at_once_takes_nothing_along(site: Site) -> None:
    visitors = 50
    server = site.server(count=20, max_resends=visitors + 1)
    for _ in range(visitors):
        with connect(server.url) as peer:
            peer.sendall(b"GET /task?batchsize=2 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    ended: set[str] = set()
    stream = site.stream(server.url, 1)
    while len(ended) < 20:
        held = stream.next_batch()
        post(server.url, "/report", {"ids": held.ids, "batch": held.batch})
        ended |= set(held.ids)
    assert len(server.report) == 20
