"""`pena.Worker` in several processes, through kills of theirs and of the server."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import pena
from support.poll import until
from support.ports import held_port
from support.process import ServerProcess
from support.workers import Workers

FEW, MANY = 1_500, 10_000  # msgs
RESTARTS = 5
TIMES = ("--heartbeat=100ms", "--silence=1s", "--stop-time=20ms", "--drop-grace=1200ms")
OPTIONS = ("--no-generate", "--retry-first=10ms", "--max-resends=50", *TIMES)
ENDED = "was ended by SIGKILL, so it is started again"


class Site:
    """A server that is killed and started again on its port, four workers, and their msgs."""

    def __init__(self, store: Path, port: int, msgs: int) -> None:
        self._options = (f"--listen=127.0.0.1:{port}", f"--store={store}", *OPTIONS)
        self._server = ServerProcess(*self._options)
        self.queue = pena.Queue(self._server.url, "images")
        self.ids = self.queue.submit({"n": n} for n in range(msgs))
        self.workers = Workers(self._server.url, "slow_double", "--processes=4", "--quiet")
        self.chance = random.Random(7)

    def restart(self) -> None:
        self._server.stop(signal.SIGKILL)
        self._server = ServerProcess(*self._options)

    def some_are_reported(self, share: int) -> None:
        """Wait for that share of them, or for all."""
        before, all_of_them = self.queue.stats().reported, len(self.ids)
        enough = min(before + all_of_them // share, all_of_them)
        until(lambda: self.queue.stats().reported >= enough, "some are reported", 120)

    def check(self, kills: int) -> None:
        """Each was reported once, and its result is right."""
        waited = self.queue.wait(self.ids, timeout=300)
        assert (waited.failed, waited.open, waited.unknown) == ((), (), ())
        assert {record.id for record in waited.done} == set(self.ids)
        results = [record.result["twice"] for record in waited.done]
        assert results == [2 * n for n in range(len(self.ids))]
        until(lambda: len(self.workers.processes()) == 4, "all are there again", 60)
        code, said = self.workers.end()
        assert code == 0, said
        assert said.count(ENDED) == kills, said
        stats = self.queue.stats()
        assert (stats.reported, stats.failed, stats.held) == (len(self.ids), 0, 0)

    def end(self) -> None:
        self.workers.process.kill()
        self.workers.process.wait()
        self.queue.close()
        assert self._server.stop() == 0


@contextmanager
def site_of(folder: Path, msgs: int) -> Iterator[Site]:
    with held_port() as port:
        site = Site(folder / "pena.lmdb", port, msgs)
        try:
            yield site
        finally:
            site.end()


def test_each_msg_is_reported_once_though_processes_and_the_server_are_killed(
    tmp_path: Path,
) -> None:
    with site_of(tmp_path, FEW) as site:
        for kill in range(RESTARTS):
            site.some_are_reported(20)
            assert site.workers.kill_one(site.chance), kill
            site.restart()
        site.check(RESTARTS)


@pytest.mark.long
def test_each_of_many_is_reported_once_though_a_process_is_killed_every_second(
    tmp_path: Path,
) -> None:
    with site_of(tmp_path, MANY) as site:
        kills = 0
        while site.queue.stats().reported < MANY:
            time.sleep(1)
            kills += site.workers.kill_one(site.chance)
        assert kills > 5
        site.check(kills)


@pytest.mark.long
def test_each_of_many_is_reported_once_though_the_server_is_killed(tmp_path: Path) -> None:
    with site_of(tmp_path, MANY) as site:
        for _ in range(RESTARTS):
            site.some_are_reported(RESTARTS + 2)
            site.restart()
        site.check(0)


@pytest.mark.parametrize("comes_back_at", ["once", "the_end"])
def test_a_worker_that_has_no_free_slot_lives_through_a_restart(
    tmp_path: Path, comes_back_at: str
) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def handler(msg: pena.Msg) -> str:
        begun.set()
        may_end.wait()
        return "whole"

    with held_port() as port:
        options = (f"--listen=127.0.0.1:{port}", f"--store={tmp_path / 'q'}", "--no-generate")
        options += ("--drop-grace=30s", "--silence=1s", "--heartbeat=100ms")
        server = ServerProcess(*options)
        with pena.Queue(server.url, "images") as queue:
            id = queue.submit_one(None)
            with pena.Worker(server.url, handler, queues=["images"], backoff_most=0.1) as worker:
                assert begun.wait(20)
                server.stop(signal.SIGKILL)
                until(lambda: worker.stats.lost == 1, "it has seen that")
                time.sleep(0.5)  # longer than any wait for the server
                if comes_back_at == "once":
                    server = ServerProcess(*options)
                may_end.set()
                if comes_back_at == "the_end":
                    until(lambda: worker.stats.done == 1, "it is done")
                    server = ServerProcess(*options)
                waited = queue.wait([id], timeout=60)
            assert [record.result for record in waited.done] == ["whole"]
            story = queue.get(id=id)
            assert story is not None
            assert [delivery.outcome for delivery in story.deliveries] == [pena.Outcome.reported]
        assert server.stop() == 0
