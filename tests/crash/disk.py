"""The disk of a store as a power cut may leave it, built from what the shim recorded.

What was synced is there; of what was written since, any part may be there.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import NamedTuple

import shim

SECTOR, PAGE = 512, 4096
DATA = 0  # the file data.mdb


class Piece(NamedTuple):
    """Bytes on their way to the disk."""

    offset: int
    bytes: bytes
    durable: bool
    file: int


class Disk:
    """The files as the disk is sure to have them, and what is on its way there.

    A new name counts as soon as it was given: that the folder is synced before a promise hangs on
    it is looked at apart.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files = {DATA: _empty(path)}
        self._begun = DATA
        self._of = {0: DATA}  # segment, and one more → its file that is written now
        self.waiting: list[Piece] = []

    @property
    def files(self) -> int:
        """How many there are."""
        return len(self._files)

    @property
    def log(self) -> Path:
        """The folder of the log."""
        return self.path.parent / "log"

    def apply(self, op: shim.Op) -> None:
        """Go on by one op."""
        if op.type == "W":
            file = self._of[op.segment]
            self.waiting.append(Piece(op.offset, op.bytes, op.durable, file))
            if all(piece.durable for piece in self.waiting if piece.file == file):
                self._settle(file)
        elif op.type == "S":
            self._settle(self._of[op.segment])
        elif op.type == "B":
            self._begin(op.segment)
        elif op.type == "L":
            name = self.log / f"segment.{op.segment - 1}"
            name.with_suffix(name.suffix + ".new").rename(name)
        elif op.type == "T":
            raise RuntimeError("a truncated store: the model does not know that yet")

    def _begin(self, segment: int) -> None:
        """Make a segment's file, which has its name later. The one before it is written no more."""
        before = self._of.get(segment)
        if before is not None:
            os.close(self._files.pop(before))
            self.waiting = [piece for piece in self.waiting if piece.file != before]
        self.log.mkdir(exist_ok=True)
        self._begun += 1
        self._of[segment] = self._begun
        self._files[self._begun] = _empty(self.log / f"segment.{segment - 1}.new")

    def _settle(self, file: int) -> None:
        for piece in self.waiting:
            if piece.file == file:
                os.pwrite(self._files[file], piece.bytes, piece.offset)
        self.waiting = [piece for piece in self.waiting if piece.file != file]

    def cut(self, kind: str, rng: random.Random) -> list[Piece]:
        """Let the power fail: write what gets through, and return what undoes it."""
        through = [part for piece in self.waiting for part in _part(piece, kind, rng)]
        undo = [
            Piece(os.fstat(descriptor).st_size, b"", True, file)
            for file, descriptor in self._files.items()
        ]
        undo += [piece._replace(bytes=self._read(piece)) for piece in through]
        for piece in through:
            os.pwrite(self._files[piece.file], piece.bytes, piece.offset)
        return undo

    def undo(self, pieces: list[Piece]) -> None:
        """Take back a cut."""
        for piece in pieces:
            os.pwrite(self._files[piece.file], piece.bytes, piece.offset)
        for piece in pieces[: len(self._files)]:
            os.ftruncate(self._files[piece.file], piece.offset)

    def _read(self, piece: Piece) -> bytes:
        return os.pread(self._files[piece.file], len(piece.bytes), piece.offset)


def _empty(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)


def _part(piece: Piece, kind: str, rng: random.Random) -> list[Piece]:
    """Return what gets through of one write."""
    if piece.durable or kind == "all":
        return [piece]
    if kind == "none":
        return []
    if kind == "some":
        return [part for part in _split(piece, PAGE) if rng.random() < 0.5]
    likely = rng.random()
    return [part for part in _split(piece, SECTOR) if rng.random() < likely]


def _split(piece: Piece, size: int) -> list[Piece]:
    """Split at the disk's own borders."""
    parts, at = [], 0
    while at < len(piece.bytes):
        end = at + size - (piece.offset + at) % size
        parts.append(piece._replace(offset=piece.offset + at, bytes=piece.bytes[at:end]))
        at = end
    return parts
