"""Cuts the power at every moment of a recorded run, and looks for what is lost.

A real server runs under load with the shim, which records its writes, syncs and answers in one
order. From that log the disk is built as a power cut at any place may leave it: what was synced is
there; of what was written since, any part may be there, down to single sectors of 512 bytes. Each
such disk is read and held against all that had been answered by then; some are given to a real
server.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any, NamedTuple

import checker
import records
import shim
from disk import Disk
from load import Connection, Load
from pena_server import MAX_RESENDS, Site, free_port, say, workspace

OPTIONS = ("--rate=500", "--map-size=64MiB")
# Of the servers of one run, in any order. A small log goes round often.
LOGS = ("--log-size=32KiB", "--log-size=64KiB", "--log-size=256KiB", "--log-size=8MiB", "--no-log")
# Of those whose syncs are taken away: what they say hangs on these.
LOGS_WITHOUT_SYNCS = {
    "data": ("--no-log", "--log-size=64KiB", "--log-size=8MiB"),
    "meta": ("--no-log", "--log-size=64KiB", "--no-log"),
    "log": ("--log-size=8MiB",) * 3,
}
IMAGES_PER_SERVER = 40  # every so many images a real server is started on one
IMAGES_OF_CREATION = 12  # while the file is made for the first time; a server on each


# ---- the recorded run


class Recording(NamedTuple):
    """A run: what was done, and what the clients can have heard by each op."""

    ops: list[shim.Op]
    told: list[list[dict[str, Any]]]


def read_recording(folder: Path) -> Recording:
    """Read what `record` left."""
    ops = shim.read_log(folder / "log")
    return Recording(ops, shim.told(ops))


def record(pena: Path, folder: Path, seconds: float, seed: int, drop: str | None) -> None:
    """Run servers with one log and another, kill all but the last, all under load."""
    library = shim.build(folder)
    log = folder / "log"
    site = Site(pena, folder, free_port(random.Random()))
    env = shim.environment(library, log=log, drop=drop)
    load = Load(site.port, folder / "journals", seed, workers=8, work_pause=0.002)
    ends = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)
    logs = LOGS_WITHOUT_SYNCS.get(drop or "") or random.Random(seed).sample(LOGS, len(ends))
    say(f"power cuts: servers with {', '.join(logs)}")
    try:
        for log_option, by in zip(logs, ends, strict=True):
            site.start(*OPTIONS, log_option, env=env)
            time.sleep(seconds / len(ends))
            site.stop(by)
    finally:
        site.stop(signal.SIGKILL)
        load.end()
    if load.failures:
        raise records.BrokenLawError(f"a client: {load.failures[0]}")


def check_folders(recording: Recording) -> None:
    """The name of a new file must be durable before anything is promised that hangs on it."""
    first = next(i for i, told in enumerate(recording.told) if told)
    synced = {op.bytes.decode() for op in recording.ops[:first] if op.type == "D"}
    made = next(op.bytes.decode() for op in recording.ops if op.type == "N")
    store = Path(made).parent
    for folder in (store, store.parent):
        records.law(str(folder) in synced, f"{folder} was not synced before the first promise")
    log, log_is_new = f"{store}/log", False
    named: set[int] = set()  # segments whose name may be lost
    for op in recording.ops:
        if op.type == "K":
            log_is_new = True
        elif op.type == "D":
            folder_name = op.bytes.decode()
            log_is_new = log_is_new and folder_name != str(store)
            named = set() if folder_name == log else named
        elif op.type == "B":
            named.discard(op.segment)
        elif op.type == "L":
            records.law(not log_is_new, f"{store} was not synced behind the log's folder")
            named.add(op.segment)
        elif op.type in "WS":
            used = op.segment in named
            records.law(not used, f"segment {op.segment - 1} is used, and its name is not synced")


# ---- images


class Plan(NamedTuple):
    """One image."""

    place: int  # behind so many ops
    kind: str
    serve: bool


def plan(recording: Recording, images: int, rng: random.Random) -> list[Plan]:
    """Choose the places and what becomes of unsynced writes there."""
    places = [i + 1 for i, op in enumerate(recording.ops) if op.type in "WSA"]
    data, log = unsynced(recording)
    born = birth(recording)
    chosen = [
        (place, kind)
        for place in range(1, born)
        for kind in ("all", "none", *["some"] * 2, *["torn"] * 3)
    ]
    chosen = rng.sample(chosen, min(len(chosen), IMAGES_OF_CREATION))
    once = rng.sample(places, min(len(places), max(images // 3, 1)))
    chosen += [(place, rng.choice(("all", "none"))) for place in once]
    while len(chosen) < images:
        of_file = rng.choice([waits for waits in (data, log) if waits])
        chosen.append((rng.choice(of_file), rng.choice(("some", "torn", "torn"))))
    return with_servers(sorted(chosen[:images]), born)


def with_servers(chosen: list[tuple[int, str]], born: int) -> list[Plan]:
    """Choose the images on which a server is started."""
    return [
        Plan(place, kind, place < born or n % IMAGES_PER_SERVER == IMAGES_PER_SERVER // 2)
        for n, (place, kind) in enumerate(chosen)
    ]


def every_prefix(recording: Recording) -> list[Plan]:
    """Plan each place behind the birth, with all, none and part of what is unsynced there."""
    waits = {place for places in unsynced(recording) for place in places}
    born = birth(recording)
    chosen = [
        (place, kind)
        for place in range(born, len(recording.ops) + 1)
        for kind in (("all", "none", "torn") if place in waits else ("all",))
        if recording.ops[place - 1].type in "WSABL"
    ]
    return with_servers(chosen, born)


def unsynced(recording: Recording) -> tuple[list[int], list[int]]:
    """Return the places where something of data.mdb, and of the log, is on its way."""
    data, log, waits = [], [], set()
    for i, op in enumerate(recording.ops):
        if op.type == "W" and not op.durable:
            waits.add(op.segment)
        elif op.type == "S":
            waits.discard(op.segment)
        if 0 in waits:
            data.append(i + 1)
        if waits - {0}:
            log.append(i + 1)
    return data, log


def birth(recording: Recording) -> int:
    """Return the place behind the first commit. Before it there is no store yet."""
    durable = (i for i, op in enumerate(recording.ops) if op.type == "W" and op.durable)
    return next(durable, 1) + 1


@dataclass
class Result:
    """What one process found."""

    images: int = 0
    torn: int = 0
    tails: int = 0  # with records in the log that the store did not have
    served: int = 0
    created: int = 0
    broken: str = ""
    not_created: list[str] = field(default_factory=list)
    ended: bool = False


class Examiner:
    """Builds and checks images in the order of the log."""

    def __init__(self, recording: Recording, pena: Path, folder: Path, seed: int) -> None:
        folder.mkdir()
        self.recording = recording
        self.pena = pena
        self.folder = folder
        self.seed = seed
        (folder / "image").mkdir()
        self.disk = Disk(folder / "image" / "data.mdb")
        self.claims = checker.Claims()
        self.tails = 0
        self.place = 0
        self.born = birth(recording)
        # Until then the file lies aside, and the store has none.
        self.named = next(i for i, op in enumerate(recording.ops) if op.type == "N")

    def go_to(self, place: int) -> None:
        """Go on to a place of the log."""
        while self.place < place:
            self.disk.apply(self.recording.ops[self.place])
            for entry in self.recording.told[self.place]:
                self.claims.add(entry)
            self.place += 1

    def examine(self, number: int, image: Plan) -> bool:
        """Check one image. True where it was torn."""
        self.go_to(image.place)
        rng = random.Random(f"{self.seed} {number}")
        undo = self.disk.cut(image.kind, rng)
        try:
            if image.place >= self.born:
                self.check(self.disk.path.parent, structure=True)
            if image.serve:
                self.serve(number, aside=image.place <= self.named)
        except records.BrokenLawError as broken:
            raise records.BrokenLawError(
                f"image {number}, behind op {image.place}, unsynced writes: {image.kind}: {broken}"
            ) from None
        finally:
            self.disk.undo(undo)
        return len(undo) > self.disk.files and image.kind == "torn"

    def check(self, folder: Path, *, structure: bool) -> None:
        """Hold a store against what was told by now."""
        stored = checker.read_store(folder, structure=structure)
        checker.check(stored, self.claims, MAX_RESENDS)
        self.tails += stored.replayed > 0

    def serve(self, number: int, *, aside: bool) -> None:
        """Start a real server on the image, and look at the store that it leaves."""
        folder = self.folder / f"served-{number}"
        site = Site(self.pena, folder, free_port(random.Random()))
        place = site.store / ".new" if aside else site.store
        place.mkdir(parents=True)
        shutil.copyfile(self.disk.path, place / "data.mdb")
        if self.disk.log.exists():
            shutil.copytree(self.disk.log, site.store / "log")
        try:
            site.start("--no-generate", "--map-size=64MiB")
            connection = Connection(site.port)
            connection.ask("GET", "/report?limit=100000")
            reported = set(connection.answer()["ids"])
            lost = self.claims.reported.keys() - reported
            records.law(not lost, f"GET /report lacks {sorted(lost)[:5]}")
            connection.close()
            code = site.stop(signal.SIGTERM)
            records.law(code == 0, f"exit code {code}: {site.last_words()}")
        except RuntimeError as error:
            raise records.BrokenLawError(str(error)) from None
        finally:
            site.stop(signal.SIGKILL)
        self.check(site.store, structure=True)
        shutil.rmtree(folder)


def examine_all(
    examiner: Examiner, images: list[tuple[int, Plan]], pipe: Pipe, current: Any
) -> None:
    """Work of one process."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    result = Result()
    for done, (number, image) in enumerate(images, 1):
        current.value = number
        if done % 1000 == 0:
            say(f"power cuts: image {number}, behind op {image.place}")
        try:
            result.torn += examiner.examine(number, image)
        except records.BrokenLawError as broken:
            if image.place >= examiner.born:
                result.broken = str(broken)
                break
            result.not_created.append(str(broken))
        result.images += 1
        result.served += image.serve
        result.created += image.place < examiner.born
    result.tails = examiner.tails
    result.ended = True
    pipe.send(result)


def examine_in_processes(
    recording: Recording, pena: Path, folder: Path, images: list[Plan], seed: int
) -> Result:
    """Share the images among the cores."""
    numbered = list(enumerate(images))
    count = min(os.cpu_count() or 1, 4)
    fork = multiprocessing.get_context("fork")
    running = []
    for i in range(count):
        mine, theirs = fork.Pipe(duplex=False)
        current = fork.Value("q", -1)
        examiner = Examiner(recording, pena, folder / f"process-{i}", seed)
        arguments = (examiner, numbered[i::count], theirs, current)
        process = fork.Process(target=examine_all, args=arguments)
        process.start()
        theirs.close()
        running.append((process, mine, current))
    total = Result()
    for process, pipe, current in running:
        try:
            result = pipe.recv()
        except EOFError:
            process.join()
            number = current.value
            result = Result(
                broken=f"image {number}, {numbered[number][1]}: reading it ended the checker "
                f"(exit code {process.exitcode})"
            )
        process.join()
        total.images += result.images
        total.torn += result.torn
        total.tails += result.tails
        total.served += result.served
        total.created += result.created
        total.not_created += result.not_created
        total.broken = total.broken or result.broken
    return total


def run(pena: Path, folder: Path, given: argparse.Namespace) -> Result:
    """Record one run and cut its power so many times."""
    if given.replay is None:
        # Longer runs have larger stores to look at.
        seconds = 1.2 if given.every_prefix else 2.0 if given.images <= 300 else 4.0
        record(pena, folder, seconds, given.seed, given.drop_syncs)
    recording = read_recording(given.replay or folder)
    counts = {letter: sum(op.type == letter for op in recording.ops) for letter in "WSA"}
    say(f"power cuts: {counts['W']} writes, {counts['S']} syncs, {counts['A']} answers recorded")
    if given.drop_syncs is None:
        check_folders(recording)
    else:
        check_end(recording, pena, folder, given.seed)
    if given.every_prefix:
        images = every_prefix(recording)
    else:
        images = plan(recording, given.images, random.Random(given.seed))
    return examine_in_processes(recording, pena, folder, images, given.seed)


def check_end(recording: Recording, pena: Path, folder: Path, seed: int) -> None:
    """All that was written must be sound, so that what is found is for the lack of a sync."""
    examiner = Examiner(recording, pena, folder / "end", seed)
    try:
        examiner.examine(0, Plan(len(recording.ops), "all", serve=False))
    except records.BrokenLawError as broken:
        raise RuntimeError(f"the run itself is not sound: {broken}") from None


def tell(result: Result, given: argparse.Namespace) -> bool:
    """Print what was found. True where that is as it should be."""
    if given.drop_syncs:
        found = result.broken or "nothing: the check is blind"
        print(f"power cuts: without the syncs ({given.drop_syncs}) the check finds: {found}")
        return bool(result.broken)
    if result.not_created:
        print(
            f"power cuts: on {len(result.not_created)} of {result.created} disks that were cut "
            f"while the store was made, no server starts: {result.not_created[0]}"
        )
    if result.broken:
        print(f"power cuts: seed {given.seed}: {result.broken}")
        return False
    say(f"power cuts: a server was started on {result.served} of the images")
    print(
        f"power cuts: {result.images} images, {result.torn} of them torn, "
        f"{result.tails} with a tail in the log, nothing lost"
    )
    return given.skip_creation or not result.not_created


def main() -> None:
    """Read the command line and run."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pena", type=Path, required=True, help="the command")
    options.add_argument("--images", type=int, default=2000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument(
        "--drop-syncs",
        choices=("data", "meta", "log"),
        help="a self-test: fdatasync does nothing, of data.mdb or of what is appended to the log, "
        "or LMDB's last write of a commit is not synced; then losses must be found",
    )
    options.add_argument(
        "--skip-creation",
        action="store_true",
        help="only tell what is wrong with disks that were cut while the store was made",
    )
    options.add_argument(
        "--every-prefix", action="store_true", help="of a short run each place, instead of images"
    )
    options.add_argument("--keep", type=Path, help="a new folder for the run")
    options.add_argument("--replay", type=Path, help="the folder of an earlier run: use its log")
    given = options.parse_args()
    with workspace("power cuts", given.keep) as folder:
        try:
            result = run(given.pena.resolve(), folder, given)
        except records.BrokenLawError as broken:
            result = Result(broken=str(broken))
        except RuntimeError as broken:
            sys.exit(f"power cuts: seed {given.seed}: {broken}")
        sys.exit(0 if tell(result, given) else 1)


if __name__ == "__main__":
    main()
