"""`pena.Worker` of several processes: what the one that looks after them does and tells."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import pena
from support import handlers
from support.poll import until
from support.process import TIMEOUT, quiet_environment
from support.queues import beside
from support.workers import Workers, outcomes, processes_of, serving


@pytest.fixture
def serves(tmp_path: Path) -> Iterator[tuple[pena.Server, pena.Queue]]:
    with serving(tmp_path) as both:
        yield both


@contextmanager
def running(worker: pena.Worker) -> Iterator[list[Any]]:
    """Run it in a thread; what run() returned or raised is in the list at the end."""
    with beside(worker.run) as came:
        until(lambda: worker.running or came, "it works")
        try:
            yield came
        except BaseException:
            worker.stop(wait=False)
            worker.stop(wait=False)
            raise


def test_a_process_is_started_again_though_a_command_of_its_handler_lives(
    serves: tuple[pena.Server, pena.Queue],
) -> None:
    server, queue = serves
    queue.submit_one({"n": 1})
    workers = Workers(server.url, "has_a_command_work", "--processes=2", "--quiet")
    assert workers.process.stdout is not None
    command = int(workers.process.stdout.readline())
    before = workers.processes()
    killed = int(Path(f"/proc/{command}/stat").read_text().rsplit(")", 1)[1].split()[1])
    assert killed in before
    os.kill(killed, signal.SIGKILL)
    try:
        until(lambda: set(workers.processes()) - set(before), "there is another")
    finally:
        os.kill(command, signal.SIGKILL)
    code, said = workers.end()
    assert code == 0
    assert "was ended by SIGKILL, so it is started again" in said


def test_a_worker_of_processes_is_asked_and_stopped_from_another_thread(
    serves: tuple[pena.Server, pena.Queue],
) -> None:
    server, queue = serves
    worker = pena.Worker(server.url, handlers.double, queues=["images"], processes=2)
    assert not worker.running
    assert worker.wait(0) is None
    ids = queue.submit({"n": n} for n in range(20))
    with running(worker) as came:
        assert len(queue.wait(ids, timeout=60).done) == 20
        assert worker.wait(0.01) is None
        worker.stop()
        assert not worker.running
    [end] = came
    assert (end.reason, end.stats.done) == (pena.WorkerEndReason.stopped, 20)
    assert worker.wait() == end
    with pytest.raises(pena.NotRunningError, match="was started before"):
        worker.run()


def test_nothing_runs_any_more_in_a_process_that_was_killed(
    serves: tuple[pena.Server, pena.Queue],
) -> None:
    server, queue = serves
    worker = pena.Worker(server.url, handlers.waits_for_the_system, queues=["images"], processes=2)
    queue.submit_one(None)
    with running(worker) as came:
        until(lambda: worker.stats.running == 1, "it is told")
        for process in processes_of(os.getpid()):
            os.kill(process, signal.SIGKILL)
        until(lambda: worker.stats.running == 0, "that is told, too")
        worker.stop()
    assert came[0].stats.running == 0


def test_what_handlers_log_is_logged_by_the_parent(serves: tuple[pena.Server, pena.Queue]) -> None:
    server, queue = serves
    queue.submit({"n": n} for n in range(4))
    workers = Workers(server.url, "logs", "--processes=2", "--until-empty")
    code, said = workers.ended()
    assert code == 0
    lines = re.findall(r"^\d{4}-\d\d-\d\d [\d:,]+ INFO shop: made (\d)$", said, re.MULTILINE)
    assert sorted(lines) == ["0", "1", "2", "3"]
    assert "Traceback" not in said


def test_a_parent_is_told_what_is_beside_a_line(
    serves: tuple[pena.Server, pena.Queue], caplog: pytest.LogCaptureFixture
) -> None:
    server, queue = serves
    caplog.set_level(logging.INFO)
    queue.submit_one({"n": 7})
    pena.Worker(server.url, handlers.logs, queues=["images"], processes=2).run(until_empty=True)
    [record] = [record for record in caplog.records if record.name == "shop"]
    assert (record.getMessage(), record.module, record.funcName) == ("made 7", "handlers", "logs")
    assert record.process != os.getpid()
    assert "lambda" in record.x  # type: ignore[attr-defined]


def test_a_filter_of_the_parents_log_that_raises_ends_nothing(
    serves: tuple[pena.Server, pena.Queue], capsys: pytest.CaptureFixture[str]
) -> None:
    server, queue = serves

    def refuse(record: logging.LogRecord) -> bool:
        raise OSError("no room")

    ids = queue.submit({"n": n} for n in range(3))
    logger = logging.getLogger("shop")
    logger.addFilter(refuse)
    logger.setLevel(logging.INFO)
    try:
        worker = pena.Worker(server.url, handlers.logs, queues=["images"], processes=2)
        end = worker.run(until_empty=True)
    finally:
        logger.removeFilter(refuse)
        logger.setLevel(logging.NOTSET)
    assert (end.reason, end.stats.done) == (pena.WorkerEndReason.empty, 3)
    assert outcomes(queue, ids) == {"reported"}
    assert capsys.readouterr().err.count("OSError: no room") == 3


def test_a_handler_that_logs_without_end_holds_up_no_stop(
    serves: tuple[pena.Server, pena.Queue],
) -> None:
    server, queue = serves
    read, given_back = threading.Event(), threading.Event()

    class ReadsSlowly(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            read.set()
            given_back.wait(0.02)

    queue.submit(range(2))
    logger, handler = logging.getLogger("shop"), ReadsSlowly()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        worker = pena.Worker(server.url, handlers.logs_without_end, queues=["images"], processes=2)
        with running(worker) as came:
            until(read.is_set, "it is logged")
            worker.stop(wait=False)
            worker.stop(wait=False)
            until(lambda: queue.stats().queued == 2, "both are given back")
            given_back.set()
            worker.stop()
        assert came[0].reason is pena.WorkerEndReason.stopped
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
        logger.propagate = True


# Of which the parent has all, and no process of its own.
PICKY = """
import multiprocessing
if multiprocessing.current_process().name != "MainProcess":
    raise RuntimeError("no licence here")
class Odd(Exception):
    pass
def handle(msg):
    return msg.payload
"""


@pytest.mark.parametrize(
    "options", [["picky:handle"], ["support.handlers:double", "--never-retry=picky:Odd"]]
)
def test_processes_that_cannot_begin_end_the_worker_with_a_sentence(
    tmp_path: Path, options: list[str]
) -> None:
    (tmp_path / "picky.py").write_text(PICKY)
    paths = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    ran = subprocess.run(
        [sys.executable, "-m", "pena.worker", *options, "--processes=2"],
        cwd=tmp_path,
        env={**quiet_environment(), "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert ran.returncode == 2, ran.stderr
    assert "the processes of the worker cannot start: 3 ended before they had begun" in ran.stderr
    assert 3 <= ran.stderr.count("RuntimeError: no licence here") <= 6


def test_a_run_whose_processes_cannot_begin_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "picky_handler.py").write_text(PICKY)
    monkeypatch.syspath_prepend(tmp_path)
    import picky_handler  # type: ignore[import-not-found]

    worker = pena.Worker("http://127.0.0.1:1", picky_handler.handle, processes=2)
    with pytest.raises(pena.SettingsError, match="expected a handler that each of them can import"):
        worker.run()
    assert not worker.running
    assert not processes_of(os.getpid())


def test_a_handler_that_closes_what_is_not_its_own_does_not_keep_its_worker_from_ending(
    serves: tuple[pena.Server, pena.Queue],
) -> None:
    server, queue = serves
    queue.submit_one({"n": 1})
    workers = Workers(server.url, "closes_all", "--processes=2", "--quiet")
    workers.hear("begun 1")
    code, _ = workers.end_at_once()
    assert code == 0


def test_what_leaves_run_has_the_processes_give_back(
    serves: tuple[pena.Server, pena.Queue],
) -> None:
    server, queue = serves
    id = queue.submit_one(None)

    class AlarmError(Exception):
        pass

    def raise_it(number: int, frame: object) -> None:
        raise AlarmError

    before = signal.signal(signal.SIGALRM, raise_it)
    worker = pena.Worker(server.url, handlers.waits_for_the_system, queues=["images"], processes=2)

    def ring_when_it_runs() -> None:
        until(lambda: worker.stats.running == 1, "it is told")
        os.kill(os.getpid(), signal.SIGALRM)

    try:
        with beside(ring_when_it_runs) as came, pytest.raises(AlarmError):
            worker.run()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert came == [None]
    assert not worker.running
    assert not processes_of(os.getpid())
    assert outcomes(queue, [id]) == {"refused"}


def test_processes_that_a_daemon_thread_runs_end_with_their_parent(
    serves: tuple[pena.Server, pena.Queue],
) -> None:
    """Python waits for them when it ends, and the thread that looks after them is no more."""
    server, queue = serves
    ids = queue.submit([0.1, 0.1])
    script = (
        "import sys, threading, pena; from support import handlers\n"
        "if __name__ == '__main__':\n"
        "    work = handlers.slow_double\n"
        "    worker = pena.Worker(sys.argv[1], work, queues=['images'], processes=2)\n"
        "    threading.Thread(target=worker.run, daemon=True).start()\n"
        "    with pena.Queue(sys.argv[1], 'images') as queue:\n"
        "        queue.wait(sys.argv[2:])\n"
    )
    run = [sys.executable, "-c", script, server.url, *ids]
    environment = quiet_environment() | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run(run, env=environment, timeout=TIMEOUT, check=False).returncode == 0
