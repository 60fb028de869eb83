"""The bar: three clients of batchsize 2, 5 and 10, faults and all, and every msg accounted for."""

from __future__ import annotations

import faulthandler
import logging
import random
import re
import threading
from collections import defaultdict

import httpx
import pytest

import pena
from support.poll import until
from support.site import LESS_PATIENT, Site
from support.stream import TaskStream

GRANT = re.compile(r"grant batch=(\w{20}) client=(\w{20}) msgs=\[([^\]]*)\]")
COUNT = 500


@pytest.fixture(autouse=True)
def no_end_before_the_deadlines() -> None:
    """A disk that is slow to sync may take longer here than any other scenario may."""
    faulthandler.cancel_dump_traceback_later()


class FaultyWorker(threading.Thread):
    """Reports at random all, part or nothing of a batch, or drops its stream; until told to end.

    Of `never`, to which the first msg of all is added, nobody reports anything.
    """

    def __init__(self, url: str, batchsize: int, never: list[str]) -> None:
        super().__init__()
        self._never = never
        self._url = url
        self._batchsize = batchsize
        self._dice = random.Random(batchsize)
        self._end = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._end.is_set():
            try:
                stream = TaskStream(self._url, self._batchsize)
                try:
                    while self._work(stream):
                        pass
                finally:
                    stream.close()
            except (httpx.HTTPError, StopIteration):
                pass

    def _work(self, stream: TaskStream) -> bool:
        batch = stream.next_batch()
        if not self._never:
            self._never.append(batch.ids[0])
        fault = self._dice.random()
        if fault < 0.05:
            return False  # the stream is dropped with the batch in hand
        share = 1.0 if fault < 0.7 else 0.5
        done = [id for id in batch.ids if self._dice.random() < share and id not in self._never]
        stream.report(batch, done)
        return True

    def end(self) -> None:
        self._end.set()


def check_grants(text: str, store: pena.Store) -> None:
    """Compare the log of grants with the records: the same deliveries, in turn, none at once."""
    grants = defaultdict(list)
    for batch, client, msgs in GRANT.findall(text):
        for msg in msgs.split():
            id, attempt = msg.split("/")
            grants[id].append((int(attempt), batch, client))
    assert len(grants) == COUNT
    for id, deliveries in grants.items():
        assert [attempt for attempt, _, _ in deliveries] == list(range(1, len(deliveries) + 1))
        assert len(deliveries) <= 4
        assert [client for _, _, client in deliveries] == held_by(store, id)


def held_by(store: pena.Store, id: str) -> list[str]:
    record = store.report.get(id) or store.fail[id]
    clients = [miss.client for miss in record.misses]
    if isinstance(record, pena.ReportRecord):
        clients.append(record.client)
    return clients


def check_the_bar(site: Site, log: str) -> None:
    with pena.Store(site.store) as store:
        assert store.counts().report + store.counts().fail == COUNT
        check_grants(log, store)


def test_faulty_clients_of_batchsize_2_5_and_10(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "pena.server")
    server = site.server(count=COUNT, lease=20.0)
    never: list[str] = []
    workers = [FaultyWorker(server.url, batchsize, never) for batchsize in (2, 5, 10)]
    until(
        lambda: server.counts().report + server.counts().fail == COUNT,
        "all msgs were settled",
        timeout=300,
    )
    stats = server.stats
    for worker in workers:
        worker.end()
    server.stop()
    for worker in workers:
        worker.join()
    assert stats.resent > 0
    assert stats.dropped > 0
    assert stats.omitted > 0
    assert stats.failed > 0
    check_the_bar(site, caplog.text)


def test_the_briefs_clients_of_batchsize_2_5_and_10(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """Its clients live on their own timers; one that is ended by a msg (R15) is started again."""
    caplog.set_level(logging.DEBUG, "pena.server")
    server = site.server(count=COUNT, **LESS_PATIENT)
    clients: dict[int, pena.Client] = {}
    ended = 0

    def settled() -> bool:
        nonlocal ended
        for batchsize in (2, 5, 10):
            client = clients.get(batchsize)
            if client is None or not client.running:
                ended += client is not None
                clients[batchsize] = site.client(server.url, batchsize=batchsize)
        return server.counts().report + server.counts().fail == COUNT

    until(settled, "all msgs were settled", timeout=300)
    server.stop()
    assert ended > 0
    check_the_bar(site, caplog.text)
