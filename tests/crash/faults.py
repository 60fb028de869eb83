"""Lets calls of `pena server` fail under load, and fills its disk and its map.

After each the server has ended with a sentence and its exit code, or it serves on; and nothing is
lost in any case.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import checker
import records
import shim
from load import Connection, Load, LostError
from pena_server import MAX_RESENDS, Site, free_port, say, workspace

OPTIONS = ("--rate=400", "--map-size=64MiB")
STOPPED, NO_STORE = 1, 3  # exit codes
PATIENCE = 60.0  # a disk may hang
STARTING_CALLS = 8  # so many writes and syncs happen before a server listens
MIB = 1 << 20


@dataclass(frozen=True)
class Fault:
    """One call that fails."""

    kind: str
    nth: int
    code: str
    times: int = 1

    def __str__(self) -> str:
        """As it is told."""
        times = f", {self.times} times" if self.times > 1 else ""
        return f"{self.kind} {self.nth} with {self.code}{times}"


def until(condition: Callable[[], bool], timeout: float = PATIENCE) -> bool:
    """Wait for a condition. False where it does not come true in time."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class Trial:
    """One store under load, with servers that are made to fail."""

    def __init__(self, pena: Path, library: Path, folder: Path, seed: int) -> None:
        folder.mkdir()
        self.library = library
        self.folder = folder
        self.site = Site(pena, folder, free_port(random.Random()))
        self.load = Load(
            self.site.port, folder / "journals", seed, workers=4, work_pause=0.002, forgiving=True
        )
        self.journals = checker.Journals(folder / "journals")
        self.fired = folder / "fired"

    def start(self, *options: str, **settings: object) -> bool:
        """Start a server. False where it ended instead of listening."""
        self.fired = self.folder / f"fired-{self.site.begun}"
        env = shim.environment(self.library, fired=self.fired, **settings)
        self.site.launch(*(options or OPTIONS), env=env if settings else None)
        return self.site.wait_listening()

    def check(self) -> checker.Stored:
        """Look at the store, which no server has open."""
        records.law(not self.load.failures, f"a client: {self.load.failures}")
        claims = self.journals.read()
        if not claims.accepted and not claims.sent:
            return checker.Stored({}, set(), {})
        stored = checker.read_store(self.site.store)
        checker.check(stored, claims, MAX_RESENDS)
        return stored

    def serves(self) -> bool:
        """Tell whether work goes on."""
        answered, received = self.load.answered, self.load.received

        def works() -> bool:
            return self.load.answered > answered + 5 and self.load.received > received + 5

        return until(lambda: works() or self.site.ended()) and not self.site.ended()

    def stop(self) -> None:
        """Stop the server as one should."""
        code = self.site.stop(signal.SIGTERM)
        records.law(code == 0, f"SIGTERM was answered with exit code {code}: {self.words()}")

    def expect_end(self, codes: tuple[int, ...], sentence: str) -> None:
        """Expect that the server ends by itself and says why."""
        ended = until(self.site.ended)
        records.law(ended, f"the server neither ends nor serves: {self.words()}")
        code = self.site.wait()
        records.law(code in codes, f"exit code {code}, expected one of {codes}: {self.words()}")
        lines = self.site.last_words().splitlines()
        said = [line for line in lines if line.startswith("pena: ")]
        records.law(any(sentence in line for line in said), f"no clear sentence: {self.words()}")

    def words(self) -> str:
        """What the server said last, in quotes."""
        return repr(self.site.last_words())

    def serves_again(self) -> None:
        """Start a server on what is left, and see that it works and has lost nothing."""
        records.law(self.start(), f"no server starts on what is left: {self.words()}")
        records.law(self.serves(), "the next server does not serve")
        self.stop()
        self.check()

    def ended_well(self, sentence: str, code: int = STOPPED) -> str:
        """Expect that the server ends, and that nothing is lost, however it did."""
        try:
            self.expect_end((code,), sentence)
        finally:
            self.site.stop(signal.SIGKILL)
            self.check()
            self.serves_again()
        return "ended with a sentence"

    def end(self) -> None:
        """Stop all."""
        self.site.stop(signal.SIGKILL)
        self.load.end()


class Faults:
    """All faults of a run, and what is wrong."""

    def __init__(self, pena: Path, folder: Path, seed: int) -> None:
        self.pena = pena
        self.folder = folder
        self.seed = seed
        self.rng = random.Random(seed)
        self.library = shim.build(folder)
        self.done = 0
        self.wrong: list[str] = []
        self.outcomes: dict[str, int] = {}

    @contextmanager
    def trial(self, name: str) -> Iterator[Trial]:
        """Give a new store."""
        trial = Trial(self.pena, self.library, self.folder / name, self.seed)
        try:
            yield trial
        finally:
            trial.end()

    def attempt(self, name: str, deed: Callable[[], str]) -> bool:
        """Do one fault; note how it ended, or what is wrong."""
        self.done += 1
        try:
            outcome = deed()
        except (records.BrokenLawError, RuntimeError, LostError) as broken:
            self.wrong.append(f"{name}: {broken}")
            say(f"faults: {name}: {broken}")
            return False
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        return True

    # ---- writes and syncs: the server must end

    def disk_faults(self, starting: int, running: int) -> None:
        """Let the Nth write, or sync, fail: while a server starts, and while it runs."""
        for kind, codes in (("write", ("ENOSPC", "EIO")), ("short", ("EIO",)), ("sync", ("EIO",))):
            for nth in range(1, starting + 1):
                fault = Fault(kind, nth, self.rng.choice(codes))
                with self.trial(f"{kind}-{nth}") as trial:
                    self.attempt(f"{fault} on a new store", partial(ends, trial, fault))
            with self.trial(f"{kind}-running") as trial:
                for _ in range(running):
                    nth = self.rng.randint(1, 60)
                    fault = Fault(kind, nth, self.rng.choice(codes))
                    if not self.attempt(str(fault), partial(ends, trial, fault)):
                        break

    # ---- zeros that make the file longer: no promise hangs on them

    def file_faults(self) -> None:
        """Let the file grow no longer ahead of its use: a full disk is no end, a broken one is."""
        fault = Fault("growth", 1, "ENOSPC", times=1000)
        with self.trial("growth-full") as trial:
            self.attempt(str(fault), partial(goes_on, trial, fault))
        fault = Fault("growth", 1, "EIO")
        with self.trial("growth-broken") as trial:
            self.attempt(str(fault), partial(ends, trial, fault))

    # ---- accepts: the server must go on

    def accept_faults(self, count: int) -> None:
        """Let accept fail."""
        with self.trial("accept") as trial:
            codes = ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "ECONNABORTED", "EPERM"]
            for n in range(count):
                fault = Fault(
                    "accept", self.rng.randint(1, 12), codes[n % len(codes)], self.rng.randint(1, 5)
                )
                if not self.attempt(str(fault), partial(goes_on, trial, fault)):
                    break

    # ---- allocations: either

    def memory_faults(self, count: int) -> None:
        """Let an allocation fail."""
        trial = None
        for n in range(count):
            # Most of what a connection needs once is among the first sixty.
            nth = self.rng.randint(1, 60) if n % 2 == 0 else int(10 ** self.rng.uniform(0, 3.7))
            fault = Fault("malloc", nth, "ENOMEM")
            if trial is None:
                trial = Trial(self.pena, self.library, self.folder / f"malloc-{n}", self.seed)
            if not self.attempt(str(fault), partial(ends_or_goes_on, trial, fault)):
                trial.end()
                trial = None
        if trial is not None:
            trial.end()

    # ---- room

    def room_faults(self) -> None:
        """Let the disk be full, and the map."""
        with self.trial("map-full") as trial:
            self.attempt("a full map", partial(map_full, trial))
        with self.trial("no-room") as trial:
            self.attempt("a file that cannot grow", partial(no_room, trial))
        with self.trial("disk-full") as trial:
            self.attempt("a full disk", partial(disk_full, trial))


SENTENCES = {"ENOSPC": "No space left on device", "EIO": "Input/output error"}


def ends(trial: Trial, fault: Fault) -> str:
    """Let a write or a sync fail."""
    fail = shim.failing(fault.kind, fault.nth, fault.code)
    listens = trial.start(fail=fail, trace=1)
    if listens and not until(lambda: trial.fired.exists() or trial.site.ended()):
        raise records.BrokenLawError("the call never came")
    # LMDB has an error of its own for a write that was cut short.
    sentence = "" if fault.kind == "short" else SENTENCES[fault.code]
    return trial.ended_well(sentence, STOPPED if listens else NO_STORE)


def goes_on(trial: Trial, fault: Fault) -> str:
    """Let a call fail that the server can do without."""
    fail = shim.failing(fault.kind, fault.nth, fault.code, fault.times)
    records.law(trial.start(fail=fail), f"did not start: {trial.words()}")
    deadline = time.monotonic() + PATIENCE
    while not trial.fired.exists():
        records.law(time.monotonic() < deadline, "the call never came")
        _knock(trial.site.port)
    records.law(trial.serves(), f"does not serve on: {trial.words()}")
    records.law(until(lambda: _knock(trial.site.port)), "no new client is served")
    trial.stop()
    trial.check()
    return "served on"


def _knock(port: int) -> bool:
    """Tell whether a new connection is answered."""
    try:
        connection = Connection(port)
        status = connection.ask("GET", "/healthz")
        connection.close()
    except LostError:
        return False
    return status == 200


def ends_or_goes_on(trial: Trial, fault: Fault) -> str:
    """Let an allocation fail."""
    records.law(
        trial.start(fail=shim.failing(fault.kind, fault.nth, fault.code), trace=1),
        f"did not start: {trial.words()}",
    )
    if not until(lambda: trial.fired.exists() or trial.site.ended()):
        raise records.BrokenLawError("the call never came")
    if not until(trial.site.ended, 0.1) and trial.serves():
        records.law(until(lambda: _knock(trial.site.port)), "no new client is served")
        try:
            trial.stop()
        finally:
            trial.check()
        return "served on"
    return trial.ended_well("")


def map_full(trial: Trial) -> str:
    """Fill the map with submitted msgs: 503, while reports go on; and room comes again."""
    trial.journals.claims.forgets = True
    options = ("--no-generate", "--map-size=1MiB")
    trial.load.submit_pause = 0.0
    trial.load.work_pause = 0.05
    records.law(trial.start(*options), f"did not start: {trial.words()}")
    records.law(until(lambda: trial.load.refused > 3), "submitting was never refused")
    answered = trial.load.answered
    records.law(until(lambda: trial.load.answered > answered + 20), f"no reports: {trial.words()}")
    trial.load.work_pause = 0.0
    trial.load.calm.set()
    records.law(until(trial.load.settled), "submitting is refused for ever")
    trial.stop()
    trial.check()
    return "refused with 503"


def no_room(trial: Trial) -> str:
    """The file cannot grow, and nothing told the server before."""
    listens = trial.start(room=512 * 1024)
    records.law(listens, f"did not start: {trial.words()}")
    trial.load.submit_pause = 0.0
    records.law(until(trial.site.ended), "the file never grew")
    return trial.ended_well("cannot commit to the store")  # only the shim knows why


def disk_full(trial: Trial) -> str:
    """A disk of its own that gets full: first 503, then the end, and then room again."""
    trial.journals.claims.forgets = True
    store = trial.site.store
    store.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", str(store)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        return "not tried: no disk can be mounted here"
    ballast = store / "ballast"
    try:
        trial.load.submit_pause = 0.0
        trial.load.work_pause = 0.05
        records.law(
            trial.start("--no-generate", "--map-size=64MiB"), f"did not start: {trial.words()}"
        )
        records.law(trial.serves(), "does not serve")
        _fill(ballast, store, 40 * MIB)
        refused = trial.load.refused
        records.law(until(lambda: trial.load.refused > refused + 2), "submitting is not refused")
        answered = trial.load.answered
        held = until(lambda: trial.load.answered > answered + 5)
        records.law(held, f"no reports: {trial.words()}")
        trial.load.submit_pause = 0.02
        ballast.unlink()
        time.sleep(1.5)  # a server looks for room every second
        refused = trial.load.refused
        time.sleep(0.3)
        records.law(trial.load.refused == refused, "refused although there is room again")
        records.law(trial.serves(), "does not serve although there is room again")
        trial.stop()
        trial.check()
        _fill(ballast, store, 3 * 4096)
        return _brim_over(trial, ballast)
    finally:
        trial.site.stop(signal.SIGKILL)
        subprocess.run(["umount", str(store)], check=False)


def _brim_over(trial: Trial, ballast: Path) -> str:
    """A server on a disk with nearly no room: it may work within its file, or end; then room."""
    listens = trial.start()
    try:
        if listens and not until(trial.site.ended, 1.5):
            trial.stop()
        else:
            sentence = "No space left on device; free some space" if listens else ""
            trial.expect_end((STOPPED,) if listens else (NO_STORE, STOPPED), sentence)
    finally:
        trial.site.stop(signal.SIGKILL)
        trial.check()
        ballast.unlink()
        trial.serves_again()
    return "refused with 503"


def _fill(ballast: Path, disk: Path, leave: int) -> None:
    """Leave so many bytes of a disk free."""
    with ballast.open("wb") as file:
        while True:
            stat = os.statvfs(disk)
            free = stat.f_bavail * stat.f_frsize - leave
            if free <= 0:
                return
            file.write(bytes(min(free, MIB)))
            file.flush()


def main() -> None:
    """Read the command line and run."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pena", type=Path, required=True, help="the command")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--short", action="store_true", help="a few of each")
    options.add_argument("--only", choices=("disk", "accept", "malloc", "room"))
    options.add_argument("--count", type=int, help="so many of each")
    options.add_argument("--keep", type=Path, help="a new folder for the run")
    given = options.parse_args()
    with workspace("faults", given.keep) as folder:
        faults = Faults(given.pena.resolve(), folder, given.seed)
        few, many = (2, 5) if given.short else (STARTING_CALLS, 30)
        many = given.count or many
        if given.only in (None, "disk"):
            faults.disk_faults(few, many // 2)
            faults.file_faults()
        if given.only in (None, "accept"):
            faults.accept_faults(many // 2)
        if given.only in (None, "malloc"):
            faults.memory_faults(many)
        if given.only in (None, "room"):
            faults.room_faults()
        how = ", ".join(f"{n} {outcome}" for outcome, n in sorted(faults.outcomes.items()))
        if faults.wrong:
            print(f"faults: {faults.done} faults, {len(faults.wrong)} of them wrong:")
            print("\n".join(f"  {wrong}" for wrong in faults.wrong))
            sys.exit(1)
        print(f"faults: {faults.done} faults ({how}), nothing lost")
        sys.exit(0)


if __name__ == "__main__":
    main()
