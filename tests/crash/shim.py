"""Builds the shim and reads what it recorded."""

from __future__ import annotations

import errno
import json
import os
import re
import struct
import subprocess
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

HEAD = struct.Struct("<BBHIQII")
FOR_EVER = 1 << 62


def build(folder: Path) -> Path:
    """Compile the shim into `folder`."""
    library = folder / "shim.so"
    source = Path(__file__).with_name("shim.c")
    compiler = os.environ.get("CC", "cc")
    command = [compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"]
    subprocess.run([*command, "-o", str(library), str(source), "-ldl", "-lpthread"], check=True)
    return library


def environment(library: Path, **settings: object) -> dict[str, str]:
    """Return what a server is started with: log=, drop=, fail=, room=, fired=, trace=."""
    given = {f"CRASH_{name.upper()}": str(it) for name, it in settings.items() if it is not None}
    return {"LD_PRELOAD": str(library), **given}


def failing(kind: str, nth: int, code: str, times: int = 1) -> str:
    """Return a value of CRASH_FAIL."""
    return f"{kind}:{nth}:{getattr(errno, code)}:{times}"


class Op(NamedTuple):
    """One record of the log."""

    type: str
    durable: bool
    connection: tuple[int, int]  # which start of the server, which connection of it
    offset: int
    bytes: bytes
    segment: int = 0  # W, S, L, B: of the log, and one more; 0: data.mdb


def read_log(path: Path) -> list[Op]:
    """Read a log of one or more servers, one after the other."""
    raw = path.read_bytes()
    ops: list[Op] = []
    at = boot = 0
    answers: dict[tuple[int, int], int] = {}  # connection → place of its last answer
    while at < len(raw):
        letter, durable, segment, connection, offset, size, _ = HEAD.unpack_from(raw, at)
        at += HEAD.size
        op = Op(
            chr(letter), bool(durable), (boot, connection), offset, raw[at : at + size], segment
        )
        at += size
        # LMDB's first descriptor, and not that of a store that is being made.
        if op.type == "O" and not connection & os.O_WRONLY and b"/.new/" not in op.bytes:
            boot += 1
        elif op.type == "P":  # only so much of the answer was taken
            place = answers[op.connection]
            ops[place] = ops[place]._replace(bytes=ops[place].bytes[:offset])
            continue
        elif op.type == "A":
            answers[op.connection] = len(ops)
        ops.append(op)
    return ops


@dataclass
class Talk:
    """One connection, read from the server's side."""

    request_bytes: bytes = b""
    answer_bytes: bytes = b""
    requests: deque[tuple[str, str]] = field(default_factory=deque)  # target, body
    streams: bool = False
    batch: str = ""
    at: int = 0

    def receive(self, more: bytes) -> None:
        """Take bytes of the client."""
        self.request_bytes += more
        while found := _whole(self.request_bytes):
            head, body, self.request_bytes = found
            self.requests.append((head.split(" ")[1], body))

    def answer(self, more: bytes) -> Iterator[dict[str, Any]]:
        """Take bytes for the client; yield what they tell it, as a journal has it."""
        self.answer_bytes += more
        while not self.streams and (found := _whole(self.answer_bytes)):
            head, body, self.answer_bytes = found
            target, asked = self.requests.popleft()
            if "text/event-stream" in head:
                self.streams = True
            elif head.startswith("HTTP/1.1 201"):
                yield {"accepted": json.loads(body)["ids"]}
            elif target == "/report" and head.startswith("HTTP/1.1 200") and asked:
                yield {"report": json.loads(asked), "answer": json.loads(body), "at": FOR_EVER}
        if self.streams:
            yield from self._events()

    def _events(self) -> Iterator[dict[str, Any]]:
        *lines, self.answer_bytes = self.answer_bytes.split(b"\n")
        for line in lines:
            if line.startswith(b": batch="):
                words = dict(word.split("=") for word in line[2:].decode().split())
                self.batch, self.at = words["batch"], int(words["at"])
            elif line.startswith(b"data: "):
                msg = json.loads(line[6:])
                yield {"sent": [self.batch, self.at, [[msg["id"], msg.get("attempt", 1)]]]}


def _whole(text: bytes) -> tuple[str, str, bytes] | None:
    """Split a request or an answer from what follows it."""
    end = text.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = text[:end].decode()
    length = re.search(r"\r\nContent-Length: (\d+)", head)
    size = int(length[1]) if length else 0
    if len(text) < end + 4 + size:
        return None
    return head, text[end + 4 : end + 4 + size].decode(), text[end + 4 + size :]


def told(ops: list[Op]) -> list[list[dict[str, Any]]]:
    """Return for each op what the clients can have heard by it and not before."""
    talks: dict[tuple[int, int], Talk] = defaultdict(Talk)
    entries: list[list[dict[str, Any]]] = []
    for op in ops:
        heard: list[dict[str, Any]] = []
        if op.type == "R":
            talks[op.connection].receive(op.bytes)
        elif op.type == "A":
            heard = list(talks[op.connection].answer(op.bytes))
        entries.append(heard)
    return entries
