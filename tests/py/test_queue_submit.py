"""What is submitted is there once: answers are lost, servers are away or not Pena's."""

from __future__ import annotations

import pickle
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import pena
from pena import _asking
from support.lossy import LossyProxy
from support.poll import until
from support.ports import held_port
from support.process import ServerProcess
from support.queues import beside, trouble
from support.site import Site

MSGS = 100_000


def payloads_of(server: pena.Server) -> list[Any]:
    return [msg.payload for msg in server.queue.values()]


def test_each_of_100_000_is_there_once_though_the_server_is_killed(
    kind: Any, tmp_path: Path
) -> None:
    """Twice: between two requests, and from aside, where one may be under way."""
    store = tmp_path / "pena.lmdb"
    with ExitStack() as stack:
        listen = f"127.0.0.1:{stack.enter_context(held_port())}"
        half = threading.Event()
        running: list[ServerProcess] = []

        def start() -> None:
            process = ServerProcess(f"--listen={listen}", f"--store={store}", "--no-generate")
            running.append(process)
            stack.callback(process.stop)

        def payloads() -> Iterator[int]:
            for n in range(MSGS):
                if n == MSGS // 4:
                    running[-1].stop(signal.SIGKILL)
                if n == MSGS // 2:
                    half.set()
                yield n

        def restart() -> None:
            heard.met.wait()
            heard.met.clear()
            start()
            half.wait()
            running[-1].stop(signal.SIGKILL)
            heard.met.wait()
            start()

        start()
        heard = stack.enter_context(trouble())
        queue = stack.enter_context(kind(running[0].url, "images"))
        with beside(restart) as came:
            ids = queue.submit(payloads())
        assert came == [None]
        assert len(heard.said) >= 2
        assert running[-1].stop() == 0
    with pena.Store(store) as kept:
        assert list(kept.queue) == ids == sorted(set(ids))
        assert [msg.payload for msg in kept.queue.values()] == list(range(MSGS))


def test_an_answer_that_is_lost_makes_no_msg_twice(kind: Any, server: pena.Server) -> None:
    with LossyProxy(server.port) as proxy, kind(proxy.url, "images") as queue:
        proxy.lose(2)
        ids = queue.submit(range(10))
        assert len(proxy.passed) == 3
        assert list(server.queue) == ids
        assert payloads_of(server) == list(range(10))
        proxy.lose(1)
        key = queue.submit_one("a", key="k")
        assert len(server.queue) == 11
        assert queue.get(key="k").id == key


def test_an_error_tells_what_is_submitted_and_what_may_be(kind: Any, server: pena.Server) -> None:
    def payloads() -> Iterator[int]:
        for n in range(2500):
            if n == 2100:
                proxy.lose(1000)
            yield n

    with LossyProxy(server.port) as proxy, kind(proxy.url, "images", patience=0) as queue:
        with pytest.raises(pena.UnavailableError, match="the connection ended") as raised:
            queue.submit(payloads())
        proxy.lose(0)
        error = raised.value
        assert error.place == len(error.submitted) == 2000
        assert [*error.submitted, *error.unsure] == list(server.queue)  # they were taken
        rest = dict(zip(range(2000, 2500), error.unsure, strict=True))
        again = queue.submit(list(rest), id=rest.__getitem__)
        assert again == list(error.unsure)
        assert payloads_of(server) == list(range(2500))


def test_an_error_may_be_sent_to_another_process() -> None:
    errors = [
        pena.PayloadError("no JSON", submitted=["a"], place=1),
        pena.RefusedError("no", status=409, submitted=["a"], place=1),
        pena.UnavailableError("away", sent=True, submitted=["a"], unsure=["b"], place=1),
    ]
    for error in errors:
        came = pickle.loads(pickle.dumps(error))
        assert (type(came), str(came), vars(came)) == (type(error), str(error), vars(error))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3),
        ({"retry-after": "3600"}, 30),
        ({"retry-after": "-1"}, 0),
        ({"retry-after": "soon"}, 0),
        ({}, 0),
        ({"retry-after": "Fri, 27 Nov 2026 17:00:09 GMT"}, 0),
        (
            {
                "retry-after": "Fri, 27 Nov 2026 17:00:09 GMT",
                "date": "Fri, 27 Nov 2026 17:00:02 GMT",
            },
            7,
        ),
    ],
)
def test_retry_after_is_honoured(headers: dict[str, str], seconds: float) -> None:
    assert _asking.retry_after(_asking.Answer(503, headers, b"")) == seconds


def test_patience_has_an_end(kind: Any) -> None:
    with held_port() as port, kind(f"http://127.0.0.1:{port}", patience=0.2) as queue:
        with pytest.raises(pena.UnavailableError) as raised:
            queue.submit_one({"a": 1})
        assert "Connection refused; tried for 0.2 s" in str(raised.value)
        assert (raised.value.submitted, raised.value.unsure) == ((), ())
        assert not raised.value.sent
        with pytest.raises(pena.UnavailableError):
            queue.stats()


def test_a_server_that_says_nothing_is_not_waited_for_longer(kind: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with kind(url, patience=0, request_timeout=0.05) as queue:
            for call in (
                lambda: queue.submit_one("a"),
                lambda: queue.retry(all=True),  # which waits for long where nobody says otherwise
                lambda: queue.discard(which="failed", all=True),
            ):
                with pytest.raises(pena.UnavailableError, match=r"no answer within 0\.05 s"):
                    call()


def test_one_trouble_is_said_once(kind: Any) -> None:
    """A peer that takes connections and hangs up, again and again; then a server comes."""
    with ExitStack() as stack:
        port = stack.enter_context(held_port())
        peer = stack.enter_context(socket.create_server(("127.0.0.1", port), reuse_port=False))
        heard = stack.enter_context(trouble())

        def hang_up() -> pena.Server:
            for _ in range(4):
                peer.accept()[0].close()
            peer.close()
            return stack.enter_context(pena.Server(listen=f"127.0.0.1:{port}", generate=False))

        queue = stack.enter_context(kind(f"http://127.0.0.1:{port}"))
        with beside(hang_up) as came:
            id = queue.submit_one("a")
        assert list(came[0].queue) == [id]
        ended = [said for said in heard.said if "the connection ended before the answer" in said]
        assert len(ended) == 1
        assert ended[0].endswith("; trying again for 60 s at most")


def test_a_queue_that_is_full_is_waited_for(kind: Any, site: Site) -> None:
    with pena.Server(generate=False, limits={"queue_msgs": 1000}) as server:
        with trouble() as heard, kind(server.url, "images") as queue:

            def make_room() -> int:
                heard.met.wait()
                with pena.Queue(server.url, "images") as other:
                    return other.discard(which="waiting", all=True)

            with beside(make_room) as came:
                ids = queue.submit(range(1500))
            assert came == [1000]
            assert list(server.queue) == ids[1000:]
            assert "503: the queue is full" in heard.said[0]


def test_what_is_full_for_too_long_is_told(kind: Any) -> None:
    with pena.Server(generate=False, limits={"queue_msgs": 1000}) as server:
        with kind(server.url, patience=0) as queue:
            with pytest.raises(pena.UnavailableError, match="503: the queue is full") as raised:
                queue.submit(range(1500))
            assert list(raised.value.submitted) == list(server.queue)
            assert raised.value.place == 1000


@pytest.mark.parametrize(
    "limits",
    [{"body_bytes": 65536, "payload_bytes": 1024, "result_bytes": 1024}, {"submit_msgs": 70}],
)
def test_requests_are_made_smaller_for_a_server_that_takes_less(kind: Any, limits: Any) -> None:
    with pena.Server(generate=False, limits=limits) as server, kind(server.url) as queue:
        payloads = [str(n).rjust(200) for n in range(3000)]
        assert queue.submit(payloads) == list(server.queue)
        assert payloads_of(server) == payloads


def test_a_server_that_is_not_penas_is_told(kind: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as foreign, ExitStack() as stack:

        def answer() -> None:
            for status in ("200 OK", "404 Not Found"):
                connection = foreign.accept()[0]
                connection.recv(65536)
                connection.sendall(f"HTTP/1.0 {status}\r\n\r\n<html>".encode())
                connection.close()

        queue = stack.enter_context(kind(f"http://127.0.0.1:{foreign.getsockname()[1]}"))
        with beside(answer):
            for status in (200, 404):
                sentence = f"{status}: '<html>'; expected the answer of a Pena server"
                with pytest.raises(pena.RefusedError, match=sentence):
                    queue.stats()  # a GET comes in one piece, which the peer reads whole


def test_a_refusal_is_read_though_the_body_is_not_taken(kind: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as foreign:

        def answer() -> None:
            connection = foreign.accept()[0]
            connection.recv(1000)
            connection.sendall(b'HTTP/1.1 413 No\r\nContent-Length: 18\r\n\r\n{"error":"no more"}')
            connection.close()  # with most of the body on its way

        url = f"http://127.0.0.1:{foreign.getsockname()[1]}"
        with kind(url, patience=0) as queue, beside(answer):
            with pytest.raises(pena.RefusedError, match="413"):
                queue.submit_one("x" * 30_000_000)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [("a\\n\\u001b[2Jb", r"404: a\\n\\x1b\[2Jb$"), ("x" * 1000, r"404: x{499}…$")],
)
def test_what_a_foreign_server_says_is_one_line(kind: Any, error: str, sentence: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as foreign:

        def answer() -> None:
            connection = foreign.accept()[0]
            connection.recv(65536)
            connection.sendall(f'HTTP/1.0 404 No\r\n\r\n{{"error":"{error}"}}'.encode())
            connection.close()

        with kind(f"http://127.0.0.1:{foreign.getsockname()[1]}") as queue, beside(answer):
            with pytest.raises(pena.RefusedError, match=sentence):
                queue.stats()


def test_a_connection_that_the_server_has_closed_is_no_trouble(kind: Any) -> None:
    with pena.Server(generate=False, limits={"idle_time": 0.05}) as server:
        with trouble() as heard, kind(server.url) as queue:
            for n in range(3):
                queue.submit_one(n)
                until(lambda: server.stats.connections == 0, "the server has closed it")
        assert heard.said == []
        assert payloads_of(server) == [0, 1, 2]


def test_a_connection_is_kept(kind: Any, server: pena.Server) -> None:
    with kind(server.url) as queue:
        for n in range(20):
            queue.submit_one(n)
            assert server.stats.connections == 1


def test_a_server_that_restarts_between_two_calls_is_found_again(kind: Any, site: Site) -> None:
    with held_port() as port:
        listen = f"127.0.0.1:{port}"
        first: ServerProcess = site.process("--no-generate", listen=listen)
        with kind(first.url) as queue:
            ids = queue.submit([1])
            first.stop(signal.SIGKILL)
            site.process("--no-generate", listen=listen)
            ids += queue.submit([2])
            assert [msg.id for msg in queue.peek()] == ids
    site.submitted.update(ids)
