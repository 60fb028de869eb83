"""`pena backup`: a copy of a store beside its server is a store, and has all that was answered."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from pathlib import Path

import httpx
import pytest

import pena
from support.process import run
from support.site import Site


def test_a_copy_has_all_that_was_answered_before_it(tmp_path: Path) -> None:
    server = pena.Server(store=tmp_path / "store", generate=False).start()
    answered: list[str] = []
    enough, over = threading.Event(), threading.Event()

    def submit() -> None:
        with httpx.Client(base_url=server.url) as client:
            while not over.is_set():
                answered.extend(client.post("/task", json={"payload": len(answered)}).json()["ids"])
                if len(answered) >= 300:
                    enough.set()

    submits = threading.Thread(target=submit)
    submits.start()
    try:
        assert enough.wait(60)
        for number in range(5):
            before = list(answered)
            to = tmp_path / f"backup{number}"
            ran = run("pena", "backup", str(tmp_path / "store"), str(to))
            assert (ran.returncode, ran.stderr) == (0, "")
            assert ran.stdout == f"backup: {(to / 'data.mdb').stat().st_size} bytes in {to}\n"
            assert not (to / "log").exists()
            with pena.Store(to) as copy:
                kept = set(copy.queue)
            assert set(before) <= kept
            assert run("pena", "check", str(to)).returncode == 0
    finally:
        over.set()
        submits.join()
        server.stop()
    with pena.Server(store=to, generate=False) as again:
        assert len(again.queue) >= len(before)


def test_it_says_so_in_json(site: Site, tmp_path: Path) -> None:
    site.server(generate=False)
    to = tmp_path / "to"
    ran = run("pena", "backup", "--json", str(site.store), str(to))
    assert json.loads(ran.stdout) == {"to": str(to), "bytes": (to / "data.mdb").stat().st_size}


@pytest.mark.parametrize("there", ["file", "folder"])
def test_what_is_there_stays(site: Site, tmp_path: Path, there: str) -> None:
    site.server(generate=False)
    to = tmp_path / "to"
    if there == "folder":
        to.mkdir()
    (to if there == "file" else to / "mine").write_text("!")
    ran = run("pena", "backup", str(site.store), str(to))
    assert ran.returncode == 3
    assert ran.stderr == (
        f"pena: there is something at {to}; expected a folder that is not there yet, or an empty "
        "one\n"
    )
    assert (to if there == "file" else to / "mine").read_text() == "!"


def test_one_that_was_killed_is_no_store(tmp_path: Path) -> None:
    store, to = tmp_path / "store", tmp_path / "to"
    with pena.Server(store=store, generate=False) as server:
        for _ in range(40):
            httpx.post(f"{server.url}/task", json=[{"payload": "x" * 20_000}] * 250)
    backup = subprocess.Popen(["pena", "backup", store, to])
    while not (to / "unfinished" / "data.mdb").exists() and backup.poll() is None:
        pass
    backup.send_signal(signal.SIGKILL)
    backup.wait()
    assert not (to / "data.mdb").exists()
    ran = run("pena", "check", str(to))
    assert (ran.returncode, "no store at" in ran.stderr) == (3, True)
