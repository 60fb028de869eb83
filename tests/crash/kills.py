"""Kills `pena server` with SIGKILL under load, again and again, and looks for what it lost.

Each start has other settings of the log, of one and the same store.
"""

from __future__ import annotations

import argparse
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import checker
import records
from load import Connection, Load, LostError
from pena_server import MAX_RESENDS, Site, free_port, say, workspace

OPTIONS = ("--rate=400", "--map-size=1GiB")
# The log of a start, and how often that is drawn. A small one goes round often.
LOGS = (
    ((), 3),
    (("--no-log",), 2),
    (("--log-size=32KiB",), 2),
    (("--log-size=64KiB",), 2),
    (("--log-size=256KiB",), 2),
    (("--max-logged=1KiB",), 1),
    (("--log-size=64KiB", "--max-logged=1KiB"), 1),
    (("--apply-every=1s",), 2),
    (("--log-size=256KiB", "--apply-every=1s"), 1),
)
# How long a server lives, in s: the longest, and how often that is drawn. Leases end in the last.
LIVES = ((0.05, 2), (0.6, 7), (2.0, 1))
KILLED_WHILE_STARTING = 0.15  # the share
TOLD = {"batch": r"\d+ batches"}  # buckets as `pena check` calls them
DRAIN_TIME = 300.0  # a disk may hang


class Run:
    """One store from its first start to its end."""

    def __init__(self, pena: Path, folder: Path, seed: int) -> None:
        self.rng = random.Random(seed)
        self.site = Site(pena, folder, free_port(random.Random()))
        self.load = Load(self.site.port, folder / "journals", seed)
        self.journals = checker.Journals(folder / "journals")
        self.stored = checker.Stored({}, set(), {})  # as it was seen last
        self.tails = 0  # kills that left in the log what the store did not have
        self.log: tuple[str, ...] = ()  # of the last start

    def kill_once(self) -> None:
        """Start, let the load in, and kill at some moment."""
        self.log = self.draw_log()
        self.site.launch(*OPTIONS, *self.log)
        if self.rng.random() < KILLED_WHILE_STARTING:
            time.sleep(self.rng.random() * 0.03)
        else:
            if not self.site.wait_listening():
                raise RuntimeError(f"the server did not start: {self.words()}")
            time.sleep(self.rng.random() * self.rng.choices(*zip(*LIVES, strict=True))[0])
        if self.site.ended():
            raise RuntimeError(f"the server ended by itself: {self.words()}")
        self.site.stop(signal.SIGKILL)

    def draw_log(self) -> tuple[str, ...]:
        """Choose the settings of the log."""
        [log] = self.rng.choices(*zip(*LOGS, strict=True))
        return tuple(log)

    def words(self) -> str:
        """What the server said last, and with which log."""
        return f"{self.site.last_words()} ({' '.join(self.log) or 'the default log'})"

    def check(self) -> None:
        """Look at the store, which no server has open."""
        if self.load.failures:
            raise records.BrokenLawError(f"a client: {self.load.failures[0]}")
        claims = self.journals.read()
        if not (self.site.store / "data.mdb").exists() and not claims.accepted and not claims.sent:
            return  # killed before there was a store
        self.stored = checker.read_store(self.site.store)
        self.tails += self.stored.replayed > 0
        boots = self.site.boots if self.site.listened else None
        checker.check(self.stored, claims, MAX_RESENDS, boots)
        if self.stored.meta:  # none: killed before the first commit
            self.ask_pena()

    def ask_pena(self) -> None:
        """Have `pena check` look as well: it must count the same, those in the log, too."""
        command = [str(self.site.pena), "check", str(self.site.store)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        text = (ran.stdout + ran.stderr)[-600:]
        records.law(ran.returncode == 0, f"pena check ended with {ran.returncode}: {text}")
        for bucket, count in self.stored.counts().items():
            told = re.search(rf"(\d+) in {TOLD.get(bucket, bucket)}", text)
            records.law(
                told is not None and int(told[1]) == count,
                f"pena check says of {bucket} another number than {count}: {text}",
            )

    def drain(self) -> None:
        """Let everything end, stop the server as one should, and look again."""
        self.load.calm.set()
        self.site.start("--no-generate", "--map-size=1GiB", *self.draw_log())
        deadline = time.monotonic() + DRAIN_TIME
        told: dict[str, list[str]] = {}
        while not self.load.settled() or self._waits_for(told := self._told()):
            records.law(time.monotonic() < deadline, f"not drained within {DRAIN_TIME} s")
            time.sleep(0.1)
        self.load.end()
        code = self.site.stop(signal.SIGTERM)
        records.law(code == 0, f"SIGTERM was answered with exit code {code}")
        self.check()
        checker.check_ended(self.stored)
        checker.check_closed(self.stored)
        for bucket, ids in told.items():
            kept = sorted(r.id for r in self.stored.records.values() if r.bucket == bucket)
            records.law(ids == kept, f"GET /{bucket} told {len(ids)} ids, the store {len(kept)}")

    def _waits_for(self, told: dict[str, list[str]]) -> bool:
        """Tell whether any msg has not ended."""
        known = self.stored.records.keys() | self.journals.read().accepted
        return not known <= {*told["report"], *told["fail"]}

    def _told(self) -> dict[str, list[str]]:
        connection = Connection(self.site.port)
        told: dict[str, list[str]] = {"report": [], "fail": []}
        for bucket, ids in told.items():
            after = ""
            while True:
                status = connection.ask("GET", f"/{bucket}?limit=1000{after}")
                answer = connection.answer()
                records.law(status == 200, f"GET /{bucket} was answered {status}: {answer}")
                ids += answer["ids"]
                if "next" not in answer:
                    break
                after = f"&after={answer['next']}"
        return told


def run(pena: Path, folder: Path, kills: int, seed: int) -> str:
    """Do so many kills and return the closing line."""
    it = Run(pena, folder, seed)
    began = time.monotonic()
    try:
        for done in range(1, kills + 1):
            it.kill_once()
            it.check()
            if done % 20 == 0 or done == kills:
                counts = " ".join(f"{name} {n}" for name, n in it.stored.counts().items())
                say(f"kills: {done} of {kills}, {time.monotonic() - began:.0f} s, {counts}")
        it.drain()
    finally:
        it.site.stop(signal.SIGKILL)
        it.load.end()
    ended = it.stored.counts()
    say(f"kills: drained: {ended['report']} reported, {ended['fail']} failed")
    return (
        f"kills: {kills} kills, {it.tails} of them with a tail in the log, "
        f"{len(it.stored.records)} msgs, nothing lost"
    )


def main() -> None:
    """Read the command line and run."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pena", type=Path, required=True, help="the command")
    options.add_argument("--kills", type=int, default=20)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--keep", type=Path, help="a folder for the store and the journals")
    given = options.parse_args()
    with workspace("kills", given.keep) as folder:
        try:
            print(run(given.pena.resolve(), folder, given.kills, given.seed))
        except (records.BrokenLawError, RuntimeError, LostError) as broken:
            sys.exit(f"kills: seed {given.seed}: {broken}")
        sys.exit(0)


if __name__ == "__main__":
    main()
