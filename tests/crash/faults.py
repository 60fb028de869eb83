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
from functools import partial
from pathlib import Path

import records
import shim
from load import Connection, LostError
from pena_server import say, workspace
from trial import NO_STORE, OPTIONS, PATIENCE, STOPPED, Fault, Trial, until

STARTING_CALLS = 8  # so many writes and syncs happen before a server listens
MIB = 1 << 20


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

    # ---- the log: without segments the server goes on without it, and ends where an append fails

    def log_faults(self, making: int, running: int) -> None:
        """Let the Nth write, or sync, of the log fail: while it is made, and while it is used."""
        for kind, last in MAKING_CALLS.items():
            for nth in sorted(self.rng.sample(range(1, last + 1), min(making, last))):
                fault = Fault(kind, nth, self.rng.choice(("ENOSPC", "EIO")))
                deed = goes_on if kind == "logshort" else goes_without_log
                with self.trial(f"{kind}-{nth}") as trial:
                    self.attempt(f"{fault} on a new store", partial(deed, trial, fault))
            with self.trial(f"{kind}-running") as trial:
                for _ in range(running):
                    # Headers are written first, of files that are there.
                    fault = Fault(kind, self.rng.randint(5, 80), self.rng.choice(("ENOSPC", "EIO")))
                    if not self.attempt(str(fault), partial(log_fails, trial, fault)):
                        break
        fault = Fault("logwrite", 1, "ENOSPC", times=1_000_000)
        with self.trial("log-no-room") as trial:
            self.attempt(f"{fault} on a new store", partial(goes_without_log, trial, fault))
        with self.trial("log-small-disk") as trial:
            self.attempt("a disk with no room for the log", partial(small_disk, trial))

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


# So many calls make the log's four files before it is used: each is made of zeros by eight writes
# and a sync, and has its header by one more of each.
MAKING_CALLS = {"logwrite": 36, "logshort": 36, "logtorn": 36, "logsync": 8}
NO_LOG = "the store goes on without a log: "

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


def goes_without_log(trial: Trial, fault: Fault) -> str:
    """Let a call fail while the log is made: a warning, and all goes into the store."""
    fail = shim.failing(fault.kind, fault.nth, fault.code, fault.times)
    records.law(trial.start(fail=fail), f"did not start: {trial.words()}")
    warned = until(lambda: NO_LOG in trial.site.last_words() or trial.site.ended())
    records.law(warned and not trial.site.ended(), f"no warning: {trial.words()}")
    records.law(SENTENCES[fault.code] in trial.site.last_words(), f"it says: {trial.words()}")
    return serves_without_log(trial)


def serves_without_log(trial: Trial) -> str:
    """See that a server works without a log, is killed without a loss, and has a log again."""
    records.law(trial.serves(), f"does not serve on: {trial.words()}")
    time.sleep(0.2)  # some applies
    trial.site.stop(signal.SIGKILL)
    records.law(trial.check().replayed == 0, "there is a log, where it said that there is none")
    trial.serves_again()
    return "went on without a log"


def log_fails(trial: Trial, fault: Fault) -> str:
    """Let a call fail of a log that is in use, with a small one, which goes round often.

    Where it was an append the server ends. Where a segment was to be used again it goes on.
    """
    fail = shim.failing(fault.kind, fault.nth, fault.code)
    listens = trial.start(*OPTIONS, "--log-size=128KiB", fail=fail, trace=1)
    records.law(listens, f"did not start: {trial.words()}")
    if not until(lambda: trial.fired.exists() or trial.site.ended()):
        raise records.BrokenLawError("the call never came")
    if until(trial.site.ended, 0.1) or not trial.serves():
        records.law(fault.kind != "logshort", f"a short write ended it: {trial.words()}")
        return trial.ended_well(SENTENCES[fault.code])
    if NO_LOG in trial.site.last_words():
        return serves_without_log(trial)
    records.law(fault.kind == "logshort", f"serves on, and says nothing: {trial.words()}")
    trial.stop()
    trial.check()
    return "served on"


def small_disk(trial: Trial) -> str:
    """A disk of its own that has room for the store and none for the log."""
    store = trial.site.store
    store.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=10m", "tmpfs", str(store)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        return "not tried: no disk can be mounted here"
    try:
        options = ("--rate=100", "--map-size=256MiB", "--log-size=32MiB", "--min-disk=0B")
        records.law(trial.start(*options), f"did not start: {trial.words()}")
        warned = until(lambda: NO_LOG in trial.site.last_words() or trial.site.ended())
        records.law(warned and not trial.site.ended(), f"no warning: {trial.words()}")
        records.law(trial.serves(), f"does not serve on: {trial.words()}")
        trial.site.stop(signal.SIGKILL)
        trial.check()
        records.law(trial.start(*options), f"no server starts on what is left: {trial.words()}")
        records.law(trial.serves(), f"the next server does not serve: {trial.words()}")
        trial.stop()
        trial.check()
    finally:
        trial.site.stop(signal.SIGKILL)
        subprocess.run(["umount", str(store)], check=False)
    return "went on without a log"


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
    options.add_argument("--only", choices=("disk", "log", "accept", "malloc", "room"))
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
        if given.only in (None, "log"):
            faults.log_faults(few, many // 2)
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
