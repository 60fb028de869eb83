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
from load import Connection, Load
from pena_server import MAX_RESENDS, Site, free_port, say, workspace

SECTOR = 512
OPTIONS = ("--rate=500", "--map-size=64MiB")
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
    """Run a server, kill it, run it again, stop it, all under load."""
    library = shim.build(folder)
    log = folder / "log"
    site = Site(pena, folder, free_port(random.Random()))
    env = shim.environment(library, log=log, drop=drop)
    load = Load(site.port, folder / "journals", seed, workers=8, work_pause=0.002)
    try:
        for by in (signal.SIGKILL, signal.SIGTERM):
            site.start(*OPTIONS, env=env)
            time.sleep(seconds / 2)
            site.stop(by)
    finally:
        site.stop(signal.SIGKILL)
        load.end()
    if load.failures:
        raise records.BrokenLawError(f"a client: {load.failures[0]}")


def check_folders(recording: Recording) -> None:
    """The name of the new file must be durable before anything is promised."""
    first = next(i for i, told in enumerate(recording.told) if told)
    synced = {op.bytes.decode() for op in recording.ops[:first] if op.type == "D"}
    made = next(op.bytes.decode() for op in recording.ops if op.type == "N")
    store = Path(made).parent
    for folder in (store, store.parent):
        records.law(str(folder) in synced, f"{folder} was not synced before the first promise")


# ---- disks


class Piece(NamedTuple):
    """Bytes on their way to the disk."""

    offset: int
    bytes: bytes
    durable: bool


class Disk:
    """The file as the disk is sure to have it, and what is on its way there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        self.waiting: list[Piece] = []

    def apply(self, op: shim.Op) -> None:
        """Go on by one op."""
        if op.type == "W":
            self.waiting.append(Piece(op.offset, op.bytes, op.durable))
            if all(piece.durable for piece in self.waiting):
                self._settle()
        elif op.type == "T":
            raise RuntimeError("a truncated store: the model does not know that yet")
        elif op.type == "S":
            self._settle()

    def _settle(self) -> None:
        for piece in self.waiting:
            os.pwrite(self._file, piece.bytes, piece.offset)
        self.waiting.clear()

    def cut(self, kind: str, rng: random.Random) -> list[Piece]:
        """Let the power fail: write what gets through, and return what undoes it."""
        through = [part for piece in self.waiting for part in _part(piece, kind, rng)]
        size = os.fstat(self._file).st_size
        undo = [Piece(size, b"", True)]
        for piece in through:
            undo.append(Piece(piece.offset, self._read(piece), True))
        for piece in through:
            os.pwrite(self._file, piece.bytes, piece.offset)
        return undo

    def undo(self, pieces: list[Piece]) -> None:
        """Take back a cut."""
        size, *rest = pieces
        for piece in rest:
            os.pwrite(self._file, piece.bytes, piece.offset)
        os.ftruncate(self._file, size.offset)

    def _read(self, piece: Piece) -> bytes:
        return os.pread(self._file, len(piece.bytes), piece.offset)


def _part(piece: Piece, kind: str, rng: random.Random) -> list[Piece]:
    """Return what gets through of one write."""
    if piece.durable or kind == "all":
        return [piece]
    if kind == "none":
        return []
    if kind == "some":
        return [part for part in _split(piece, 4096) if rng.random() < 0.5]
    likely = rng.random()
    return [part for part in _split(piece, SECTOR) if rng.random() < likely]


def _split(piece: Piece, size: int) -> list[Piece]:
    """Split at the disk's own borders."""
    parts, at = [], 0
    while at < len(piece.bytes):
        end = at + size - (piece.offset + at) % size
        parts.append(Piece(piece.offset + at, piece.bytes[at:end], piece.durable))
        at = end
    return parts


# ---- images


class Plan(NamedTuple):
    """One image."""

    place: int  # behind so many ops
    kind: str
    serve: bool


def plan(recording: Recording, images: int, rng: random.Random) -> list[Plan]:
    """Choose the places and what becomes of unsynced writes there."""
    places = [i + 1 for i, op in enumerate(recording.ops) if op.type in "WSA"]
    unsynced, waits = [], False
    for i, op in enumerate(recording.ops):
        waits = (waits or (op.type == "W" and not op.durable)) and op.type != "S"
        if waits:
            unsynced.append(i + 1)
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
        chosen.append((rng.choice(unsynced), rng.choice(("some", "torn", "torn"))))
    chosen = sorted(chosen[:images])
    return [
        Plan(place, kind, place < born or n % IMAGES_PER_SERVER == IMAGES_PER_SERVER // 2)
        for n, (place, kind) in enumerate(chosen)
    ]


def birth(recording: Recording) -> int:
    """Return the place behind the first commit. Before it there is no store yet."""
    durable = (i for i, op in enumerate(recording.ops) if op.type == "W" and op.durable)
    return next(durable, 1) + 1


@dataclass
class Result:
    """What one process found."""

    images: int = 0
    torn: int = 0
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
        return len(undo) > 1 and image.kind == "torn"

    def check(self, folder: Path, *, structure: bool) -> None:
        """Hold a store against what was told by now."""
        stored = checker.read_store(folder, structure=structure)
        checker.check(stored, self.claims, MAX_RESENDS)

    def serve(self, number: int, *, aside: bool) -> None:
        """Start a real server on the image, and look at the store that it leaves."""
        folder = self.folder / f"served-{number}"
        site = Site(self.pena, folder, free_port(random.Random()))
        place = site.store / ".new" if aside else site.store
        place.mkdir(parents=True)
        shutil.copyfile(self.disk.path, place / "data.mdb")
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
    result.ended = True
    pipe.send(result)


def examine_in_processes(
    recording: Recording, pena: Path, folder: Path, images: int, seed: int
) -> Result:
    """Share the images among the cores."""
    numbered = list(enumerate(plan(recording, images, random.Random(seed))))
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
        total.served += result.served
        total.created += result.created
        total.not_created += result.not_created
        total.broken = total.broken or result.broken
    return total


def run(pena: Path, folder: Path, given: argparse.Namespace) -> Result:
    """Record one run and cut its power so many times."""
    images = given.images
    if given.replay is None:
        seconds = 2.0 if images <= 300 else 4.0  # longer runs have larger stores to look at
        record(pena, folder, seconds, given.seed, given.drop_syncs)
    recording = read_recording(given.replay or folder)
    counts = {letter: sum(op.type == letter for op in recording.ops) for letter in "WSA"}
    say(f"power cuts: {counts['W']} writes, {counts['S']} syncs, {counts['A']} answers recorded")
    if given.drop_syncs is None:
        check_folders(recording)
    return examine_in_processes(recording, pena, folder, images, given.seed)


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
    print(f"power cuts: {result.images} images, {result.torn} of them torn, nothing lost")
    return given.skip_creation or not result.not_created


def main() -> None:
    """Read the command line and run."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pena", type=Path, required=True, help="the command")
    options.add_argument("--images", type=int, default=2000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument(
        "--drop-syncs",
        choices=("data", "meta"),
        help="a self-test: fdatasync does nothing, or LMDB's last write of a commit is not synced; "
        "then losses must be found",
    )
    options.add_argument(
        "--skip-creation",
        action="store_true",
        help="only tell what is wrong with disks that were cut while the store was made",
    )
    options.add_argument("--keep", type=Path, help="a new folder for the run")
    options.add_argument("--replay", type=Path, help="the folder of an earlier run: use its log")
    given = options.parse_args()
    with workspace("power cuts", given.keep) as folder:
        try:
            result = run(given.pena.resolve(), folder, given)
        except records.BrokenLawError as broken:
            result = Result(broken=str(broken))
        sys.exit(0 if tell(result, given) else 1)


if __name__ == "__main__":
    main()
