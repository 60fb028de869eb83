"""Simulated worlds from Python, and the commands `sim` and `check`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import pena
from pena import sim


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pena", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_a_seed_is_one_world() -> None:
    first, again = sim.run(4), sim.run(4)  # of a world in which nothing is forgotten
    assert first == again
    assert first.broken is None
    assert first.reported + first.failed == first.msgs > 0
    assert first.history[-1].endswith("all ended")
    assert sim.run(3).digest != first.digest


def test_faults_are_those_that_were_asked_for() -> None:
    outcome = sim.run(5, ["drop", "server_crash"], swarm=False, length=60.0)
    kinds = {line.split()[4] for line in outcome.history if " fault: " in line}
    assert kinds == {"drop", "server_crash"}
    assert not any(" fault: " in line for line in sim.run(5, "none").history)


def test_an_unknown_fault_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match='"flood" is no kind of fault; expected all, none, or'):
        sim.run(1, ["flood"])


def test_the_command_runs_seeds_and_says_what_was_survived() -> None:
    ran = command("sim", "--seeds", "5", "--json")
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["seeds"] == 5
    assert told["broken"] is None
    assert told["hours_a_cpu_second"] > 0
    history = command("sim", "--seed", "3").stdout.splitlines()
    assert tuple(history) == sim.run(3).history


def test_check_finds_a_store_sound_and_a_flipped_bit(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    with pena.Server(store=folder, count=20, seed=1) as server:
        later = httpx.post(server.url + "/task", json={"queue": "mail", "delay": 60_000})
        assert later.status_code == 201
        with pena.Client(server.url, batchsize=5, end_above=1000, max_batches=4) as client:
            client.wait()
    ran = command("check", str(folder), "--json")
    assert ran.returncode == 0, ran.stdout
    told = json.loads(ran.stdout)
    assert told["report"] + told["queue"] == 20
    assert (told["sound"], told["later"], told["batch"], told["problems"]) == (True, 1, 0, [])
    with pena.Store(folder) as store:
        id = next(iter(store.report))
    # In every copy of the record's page: the disk kept the key, and lost a bit behind it.
    data = folder / "data.mdb"
    raw = bytearray(data.read_bytes())
    digits = "0123456789abcdefghijklmnopqrstuv"
    number = 0
    for digit in id:
        number = number << 5 | digits.index(digit)
    key = (number >> 4).to_bytes(12, "big")
    at = raw.find(key)
    while at >= 0:
        raw[at + len(key) + 8] ^= 1
        at = raw.find(key, at + 1)
    data.write_bytes(raw)
    broken = command("check", str(folder))
    assert broken.returncode == 1
    assert f"report {id}: " in broken.stdout
    assert "does not match its checksum" in broken.stdout


def test_check_of_no_store() -> None:
    ran = command("check", "/nowhere")
    assert ran.returncode == 3
    assert "no store at /nowhere" in ran.stderr
