"""Kills `pena server` in the middle of a request that retries or deletes very many msgs.

Such a request is done in steps, each of them whole or not at all. So whatever a kill leaves, every
msg is where it was or where it was to go, and whoever asks again has the rest done.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import records
from load import Connection, LostError
from pena_server import Site, free_port, say, workspace

STEP = 1000  # msgs, as docs/protocol.md has it
A_MILLION = 1_000_000
# How long a server of a million msgs lives with such a request, in s, which is done in about 3 s.
LIVES = (0.05, 0.6)
# Batches are as large as may be, and nobody is hurried.
OPTIONS = ("--no-generate", "--lease=10m")
BATCHSIZE = 10_000
PAYLOAD = "x" * 100
# The buckets, as GET /stats calls them.
BUCKETS = {
    "queue": "queued",
    "later": "later",
    "batch": "held",
    "report": "reports",
    "fail": "fails",
}
# The last line of `pena check`.
CHECKED = re.compile(
    r"(?P<queue>\d+) in queue, (?P<later>\d+) in later, (?P<batch>\d+) in \d+ batches, "
    r"(?P<report>\d+) in report, (?P<fail>\d+) in fail(?: \(with the log, .*\))?: sound"
)


@dataclass(frozen=True)
class Deed:
    """A request of which all msgs are meant."""

    method: str
    target: str
    source: str  # the bucket that they leave,
    goal: str | None  # and where they go; None: nowhere

    @property
    def name(self) -> str:
        """Return how a user calls it."""
        return f"{self.method} {self.target}"


RETRY = Deed("POST", "/fail/retry", "fail", "queue")
DELETE_QUEUE = Deed("DELETE", "/queue", "queue", None)
DELETE_FAIL = Deed("DELETE", "/fail", "fail", None)
DELETE_REPORT = Deed("DELETE", "/report", "report", None)


class Run:
    """One store, and what is done to it."""

    def __init__(self, pena: Path, folder: Path, msgs: int, seed: int) -> None:
        self.rng = random.Random(seed)
        self.pena = pena
        self.site = Site(pena, folder, free_port(random.Random()))
        self.msgs = msgs
        self.ids: list[str] = []  # in the order of the queue
        self.kills = 0
        self.in_the_middle = 0  # kills after which some msgs had gone, and some had not

    # ---- what brings msgs where they are to be

    def submit(self) -> None:
        """Bring all of them into the queue."""
        self.site.start(*OPTIONS)
        connection = Connection(self.site.port)
        self.ids = []
        while len(self.ids) < self.msgs:
            count = min(2 * BATCHSIZE, self.msgs - len(self.ids))
            status = connection.ask("POST", "/task", [{"payload": PAYLOAD}] * count)
            answer = connection.answer()
            records.law(status == 201, f"POST /task was answered {status}: {answer}")
            self.ids += answer["ids"]
        connection.close()
        self.ids.sort()

    def settle(self, bucket: str) -> None:
        """Have all of them done, or failed for good."""
        stream = Connection(self.site.port)
        asking = Connection(self.site.port)
        status = stream.ask("GET", f"/task?batchsize={BATCHSIZE}")
        records.law(status == 200, f"GET /task was answered {status}")
        settled = 0
        while settled < self.msgs:
            batch, ids = next_batch(stream)
            failed = [{"id": id, "error": "no luck", "final": True} for id in ids]
            said = {"ids": ids} if bucket == "report" else {"ids": [], "failed": failed}
            status = asking.ask("POST", "/report", {"batch": batch, **said})
            answer = asking.answer()
            records.law(status == 200, f"POST /report was answered {status}: {answer}")
            settled += len(ids)
        stream.close()
        asking.close()

    # ---- what is tried

    def do(self, deed: Deed, kills: int) -> None:
        """Have it done by servers of which so many are killed, and then by one that is not."""
        longest = self.msgs / A_MILLION
        trail = [self.judge(deed, self.stats(), self.msgs)]
        records.law(trail == [self.msgs], f"{trail} msgs are in {deed.source}, not {self.msgs}")
        for _ in range(kills):
            asking = Connection(self.site.port)
            asking.send(deed.method, deed.target, {"all": True})
            time.sleep(self.rng.uniform(*LIVES) * longest)
            self.site.stop(signal.SIGKILL)
            asking.close()
            trail.append(self.judge(deed, self.start_again(), trail[-1]))
            self.kills += 1
            self.in_the_middle += 0 < trail[-1] < trail[-2]
            if trail[-1] == trail[-2] > 0:
                longest *= 2  # a slow machine is given longer
        say(f"{deed.name}: left after each kill: {' '.join(map(str, trail[1:]))}")
        self.finish(deed, trail[-1])

    def finish(self, deed: Deed, left: int) -> None:
        """Ask once more, and wait for the answer."""
        asking = Connection(self.site.port)
        status = asking.ask(deed.method, deed.target, {"all": True})
        answer = asking.answer()
        asking.close()
        done = answer.get("retried" if deed is RETRY else "deleted")
        records.law(
            (status, done) == (200, left),
            f"{deed.name} was answered {status}, {answer}, where {left} msgs were left",
        )
        code = self.site.stop(signal.SIGTERM)
        records.law(code == 0, f"SIGTERM was answered with exit code {code}")
        self.judge(deed, self.start_again(), 0)
        for bucket in ("queue", "fail", "report"):
            ids = self.ids if bucket == deed.goal else []
            records.law(self.told(bucket) == ids, f"GET /{bucket} has others than were accepted")

    def start_again(self) -> dict[str, int]:
        """Read the store, start a server on it, and return what both have in each bucket."""
        kept = self.read_store()
        self.site.start(*OPTIONS)
        told = self.stats()
        records.law(told == kept, f"GET /stats says {told}, and the store has {kept}")
        return kept

    def judge(self, deed: Deed, counts: dict[str, int], before: int) -> int:
        """Return how many have not gone, which is in whole steps and never grows."""
        others = dict(counts)
        left = others.pop(deed.source)
        gone = others.pop(deed.goal) if deed.goal else self.msgs - left
        records.law(left + gone == self.msgs, f"{left} + {gone} msgs are not {self.msgs}")
        records.law(not any(others.values()), f"msgs are where nobody sent them: {counts}")
        records.law(left <= before, f"{left} msgs are left, and {before} were before")
        records.law(left % STEP == 0, f"{left} msgs are left, which is not in steps of {STEP}")
        return left

    def read_store(self) -> dict[str, int]:
        """Return how many msgs each bucket has, as `pena check` reads them, which must be sound."""
        command = [str(self.pena), "check", str(self.site.store)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        text = (ran.stdout + ran.stderr)[-600:]
        records.law(ran.returncode == 0, f"pena check ended with {ran.returncode}: {text}")
        counts = CHECKED.search(ran.stdout)
        records.law(counts is not None, f"pena check says no such thing as it did: {text}")
        assert counts is not None
        return {bucket: int(counts[bucket]) for bucket in BUCKETS}

    def stats(self) -> dict[str, int]:
        """Return how many msgs each bucket has, as the server says."""
        connection = Connection(self.site.port)
        status = connection.ask("GET", "/stats")
        answer = connection.answer()
        connection.close()
        records.law(status == 200, f"GET /stats was answered {status}: {answer}")
        return {bucket: answer[name] for bucket, name in BUCKETS.items()}

    def told(self, bucket: str) -> list[str]:
        """Return the ids of a bucket, which come in their order."""
        connection = Connection(self.site.port)
        ids: list[str] = []
        after = ""
        while True:
            status = connection.ask("GET", f"/{bucket}?limit=100000{after}")
            answer = connection.answer()
            records.law(status == 200, f"GET /{bucket} was answered {status}: {answer}")
            ids += answer["ids"]
            if "next" not in answer:
                connection.close()
                return ids
            after = f"&after={answer['next']}"


def next_batch(stream: Connection) -> tuple[str, list[str]]:
    """Wait for a batch. The server's chunks are whole lines, and theirs are passed over."""
    while not (note := stream.line()).startswith(": batch="):
        pass
    words = dict(word.split("=") for word in note.removeprefix(": ").split())
    ids: list[str] = []
    while len(ids) < int(words["size"]):
        line = stream.line()
        if line.startswith("data: "):
            ids.append(json.loads(line.removeprefix("data: "))["id"])
    return words["batch"], ids


def run(pena: Path, folder: Path, msgs: int, kills: int, seed: int) -> str:
    """Do all deeds and return the closing line."""
    it = Run(pena, folder, msgs, seed)
    try:
        for settled_as, deeds in (
            ("fail", (RETRY, DELETE_QUEUE)),
            ("fail", (DELETE_FAIL,)),
            ("report", (DELETE_REPORT,)),
        ):
            it.submit()
            it.settle(settled_as)
            say(f"bulk kills: {msgs} msgs are in {settled_as}")
            for deed in deeds:
                it.do(deed, kills)
            code = it.site.stop(signal.SIGTERM)
            records.law(code == 0, f"SIGTERM was answered with exit code {code}")
            it.read_store()
    finally:
        it.site.stop(signal.SIGKILL)
    if it.in_the_middle == 0:
        raise RuntimeError("no kill came in the middle of a request, so they prove nothing")
    return (
        f"bulk kills: {msgs} msgs retried and deleted through {it.kills} kills, "
        f"{it.in_the_middle} of them in the middle: nothing lost, nothing done by halves"
    )


def whole_steps(text: str) -> int:
    """Read a number of msgs that are whole steps."""
    number = int(text)
    if number < STEP or number % STEP != 0:
        raise argparse.ArgumentTypeError(f"{text} is not a multiple of {STEP}")
    return number


def main() -> None:
    """Read the command line and run."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pena", type=Path, required=True, help="the command")
    options.add_argument("--msgs", type=whole_steps, default=20_000)
    options.add_argument("--kills", type=int, default=10, help="of each request")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--keep", type=Path, help="a folder for the store and the log")
    given = options.parse_args()
    with workspace("bulk kills", given.keep) as folder:
        try:
            print(run(given.pena.resolve(), folder, given.msgs, given.kills, given.seed))
        except (records.BrokenLawError, RuntimeError, LostError) as broken:
            sys.exit(f"bulk kills: seed {given.seed}: {broken}")
        sys.exit(0)


if __name__ == "__main__":
    main()
