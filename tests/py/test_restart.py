"""P1: nothing that was accepted is lost by a restart or a kill."""

import json
import signal
import socket
import threading
from urllib.parse import urlsplit

import httpx
import lmdb

import pena
from pena import MissReason
from support.poll import until
from support.site import Site
from support.stream import TaskStream


def test_a_batch_that_was_held_can_be_reported_after_a_restart(site: Site) -> None:
    server = site.server(count=6, drop_grace=60.0)
    kept = site.stream(server.url, 2).next_batch()
    lost = site.stream(server.url, 2).next_batch()
    server.stop()

    again = site.server(count=6, drop_grace=60.0)  # in which the report surely comes
    assert again.counts() == pena.BucketCounts(queue=0, later=0, batch=4, report=0, fail=0)
    stream = site.stream(again.url, 2)
    assert stream.report(kept)["reported"] == 2
    stream.report(stream.next_batch())  # the fresh two at once
    again.stop()

    last = site.server(count=6)  # with a grace that is waited for
    stream = site.stream(last.url, 2)
    while len(last.report) < 6:  # those that were lost, apart
        stream.report(stream.next_batch())
    assert all(last.report[id].attempts == 1 for id in kept.ids)
    for id in lost.ids:
        assert [miss.reason for miss in last.report[id].misses] == [MissReason.dropped]


def test_a_stop_says_that_the_disk_kept_a_request_waiting(site: Site) -> None:
    server = site.process("--no-generate", "--drain-time=50ms")
    site.submit(server.url, 1)
    stream = site.stream(server.url, 1)
    body = json.dumps(stream.next_batch().ids).encode()
    where = urlsplit(server.url)
    head = f"Host: localhost\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=20) as peer:
        peer.sendall(b"POST /report HTTP/1.1\r\n" + head.encode())
        assert peer.recv(4096).startswith(b"HTTP/1.1 100 ")
        with lmdb.open(str(site.store), max_dbs=8, map_size=2**34) as env, env.begin(write=True):
            peer.sendall(body)
            server.process.send_signal(signal.SIGTERM)
            answer = b"".join(iter(lambda: peer.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"the outcome is unknown" in answer
    assert server.stop() == 1
    assert "1 request was left without a commit" in server.errors
    with pena.Store(site.store) as store:
        assert store.counts().report == 1  # it was carried out after all


def test_a_killed_server_has_lost_nothing(site: Site) -> None:
    """Reports that were answered before the kill hold; everything else comes again."""
    count = 60
    server = site.process(f"--count={count}")
    acknowledged: set[str] = set()
    workers = [Worker(server.url, batchsize, acknowledged) for batchsize in (1, 3, 5)]
    until(lambda: len(acknowledged) >= 12, "some msgs were reported")
    server.stop(signal.SIGKILL)
    for worker in workers:
        worker.join()

    with pena.Store(site.store) as store:
        assert acknowledged <= set(store.report)
        assert store.counts().total == store.meta("generated")

    again = site.server(count=count)
    workers = [Worker(again.url, batchsize, acknowledged) for batchsize in (1, 3, 5)]
    until(lambda: again.counts().report + again.counts().fail == count, "all were settled")
    again.stop()
    for worker in workers:
        worker.join()


class Worker(threading.Thread):
    """Takes batches and reports them until its server is gone."""

    def __init__(self, url: str, batchsize: int, acknowledged: set[str]) -> None:
        super().__init__()
        self._stream = TaskStream(url, batchsize)
        self._acknowledged = acknowledged
        self.start()

    def run(self) -> None:
        try:
            while True:
                batch = self._stream.next_batch()
                answer = self._stream.report(batch)
                assert answer["reported"] == len(batch.ids)
                self._acknowledged.update(batch.ids)
        except (httpx.HTTPError, StopIteration):
            self._stream.close()
