"""`pena work` over 200 files, while the server or the workers are killed."""

from __future__ import annotations

import json
import random
import signal
from pathlib import Path

from support.poll import until
from support.ports import held_port
from support.process import ServerProcess
from support.site import LESS_PATIENT, Site
from support.stream import get
from support.work import QUICK, TIMES, Work, records, submit, times_of

MSGS = 200
WORKERS = 4
KILLS = 5
COMMAND = ["sh", "-c", 'sleep 0.02; echo "$PENA_ID" >>"$1"', "sh", "{}"]


def names_of_files(tmp_path: Path) -> list[str]:
    folder = tmp_path / "files"
    folder.mkdir()
    return [str(folder / f"{number}") for number in range(MSGS)]


def test_each_of_200_files_is_done_though_the_server_is_killed_five_times(
    site: Site, work: Work, tmp_path: Path
) -> None:
    files = names_of_files(tmp_path)
    with held_port() as port:
        options = ["--no-generate", *TIMES, *QUICK]

        def start() -> ServerProcess:
            return site.process(*options, quick=False, listen=f"127.0.0.1:{port}")

        server = start()
        ids = submit(site, server.url, files)
        worker = work(server.url, "--jobs", "8", "--json", "--", *COMMAND)
        for kills in range(1, 6):
            until(lambda kills=kills: len(worker.printed) > kills * 25, "it went on")
            server.stop(signal.SIGKILL)
            server = start()
        until(lambda: len(get(server.url, "/report")["ids"]) == MSGS, "all are reported", 60)
        assert worker.end(signal.SIGTERM) == 0, worker.said
        # None was taken for lost, for the worker came back within the grace: so each was done once.
        assert {Path(file).read_text() for file in files} == {f"{id}\n" for id in ids}
        assert records(server.url, "fail") == {}
        told = [json.loads(line) for line in worker.printed]
        assert sorted(one["id"] for one in told if one["outcome"] == "done") == sorted(ids)
        # A batch that a kill cuts off on its way is given back before any of it is begun.
        others = [(one["outcome"], one["exit"]) for one in told if one["outcome"] != "done"]
        assert set(others) <= {("given_back", None)}


def test_each_of_200_files_is_reported_once_though_workers_are_killed(
    site: Site, work: Work, tmp_path: Path
) -> None:
    files = names_of_files(tmp_path)
    site.max_resends = 50
    options = ["--no-generate", "--max-resends=50", *times_of(LESS_PATIENT), *QUICK]
    server = site.process(*options, quick=False)
    ids = submit(site, server.url, files)
    words = ["--jobs", "2", "--", *COMMAND]
    workers = [work(server.url, *words) for _ in range(WORKERS)]
    chance = random.Random(7)
    for kills in range(1, KILLS + 1):
        until(lambda kills=kills: len(get(server.url, "/report")["ids"]) > kills * 25, "it went on")
        at = chance.randrange(WORKERS)
        assert workers[at].end(signal.SIGKILL) == -signal.SIGKILL
        workers[at] = work(server.url, *words)
    until(lambda: len(get(server.url, "/report")["ids"]) == MSGS, "all are reported", 60)
    for worker in workers:
        assert worker.end(signal.SIGTERM) == 0, worker.said
    reported = records(server.url, "report")
    assert sorted(reported) == sorted(ids)
    assert get(server.url, "/stats")["counts"]["reported"] == MSGS
    assert records(server.url, "fail") == {}
    assert any(record["misses"] for record in reported.values()), "no kill took a msg from anybody"
    # A command outlives its worker, so a msg may be done twice, and its own file has it then.
    for id, file in zip(ids, files, strict=True):
        assert set(Path(file).read_text().split()) == {id}
