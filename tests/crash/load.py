"""Load: clients and submitters on plain sockets that try everything, and write down what they hear.

They outlive their server: what was not answered is sent again to the next one. Their journals are
what the checker believes.
"""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pena_server import TIMES

TIMEOUT = 60.0  # a disk may hang
LONGEST_BATCH = 8
SUBMITTED_PERIOD = 2000


class LostError(Exception):
    """The server is gone, or has closed the connection."""


def now_ms() -> int:
    """Return the wall clock, the same that the server stamps with."""
    return time.time_ns() // 1_000_000


class Journal:
    """JSON lines, each whole before the next is begun."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)

    def write(self, entry: dict[str, Any]) -> None:
        """Write one line."""
        self._file.write(json.dumps(entry, separators=(",", ":")) + "\n")


class Connection:
    """One HTTP connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.headers: dict[str, str] = {}
        try:
            self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            raise LostError from error
        self._file = self._socket.makefile("rb")

    def send(self, method: str, target: str, body: Any = None) -> None:
        """Send a request and wait for nothing."""
        text = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {target} HTTP/1.1\r\nHost: localhost:{self._port}\r\n"
        if body is not None:
            head += f"Content-Length: {len(text)}\r\n"
        try:
            self._socket.sendall(head.encode() + b"\r\n" + text)
        except OSError as error:
            raise LostError from error

    def ask(self, method: str, target: str, body: Any = None) -> int:
        """Send a request and return the status of its answer."""
        self.send(method, target, body)
        words = self.line().split(" ")
        self.headers = {}
        while line := self.line():
            name, _, value = line.partition(": ")
            self.headers[name.lower()] = value
        return int(words[1])

    def answer(self) -> dict[str, Any]:
        """Read the JSON behind the headers."""
        if self.headers.get("transfer-encoding") == "chunked":
            text = b""
            while size := int(self.line(), 16):
                text += self._read(size)
                self.line()
            self.line()
        else:
            text = self._read(int(self.headers["content-length"]))
        answer: dict[str, Any] = json.loads(text)
        if self.headers.get("connection") == "close":
            self.close()
        return answer

    def _read(self, size: int) -> bytes:
        try:
            text = self._file.read(size)
        except OSError as error:
            raise LostError from error
        if len(text) < size:
            raise LostError
        return text

    def line(self) -> str:
        """Read one line without its end."""
        try:
            line = self._file.readline()
        except OSError as error:
            raise LostError from error
        if not line.endswith(b"\n"):
            raise LostError
        return line.decode().rstrip("\r\n")

    def close(self) -> None:
        """Close it."""
        self._file.close()
        self._socket.close()


class Client(threading.Thread):
    """What all clients do: go on until they are told to stop, over any number of servers."""

    def __init__(self, load: Load, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.load = load
        self.rng = random.Random(f"{load.seed} {name}")
        self.journal = Journal(load.journals / f"{name}.jsonl")
        self._asking: Connection | None = None
        self.start()

    def run(self) -> None:
        """Go on until the end."""
        try:
            while not self.load.over.is_set():
                try:
                    self.work()
                except LostError:
                    self._asking = None
                    self.load.over.wait(0.01)
        except Exception as error:
            self.load.failures.append(f"{self.name}: {error!r}")
            raise

    def work(self) -> None:
        """Do the work until the server is lost."""
        raise NotImplementedError

    def post(self, target: str, body: Any) -> tuple[int, dict[str, Any]]:
        """POST on a connection that is kept."""
        if self._asking is None:
            self._asking = Connection(self.load.port)
        connection = self._asking
        status = connection.ask("POST", target, body)
        answer = connection.answer()
        if connection.headers.get("connection") == "close":
            self._asking = None
        return status, answer


class Submitter(Client):
    """Hands in msgs, most with ids of its own, until each is answered 201."""

    owed: list[dict[str, Any]] | None = None
    asked = False  # for what is owed, and perhaps it was accepted
    settled = False  # all is answered, and nothing more comes

    def work(self) -> None:
        """Submit at about the rate of the load."""
        while not self.load.over.is_set():
            if self.owed is None:
                if self.load.calm.is_set():
                    self.settled = True
                    self.load.over.wait(0.05)
                    return
                self.load.over.wait(self.rng.random() * 2 * self.load.submit_pause)
                self.owed = self.make()
                self.asked = False
            if all("id" in msg for msg in self.owed):
                if self.asked:
                    self.journal.write({"offered": [msg["id"] for msg in self.owed]})
                self.asked = True
            status, answer = self.post("/task", self.owed)
            if status == 503:
                self.asked = False
                self.load.refused += 1
                self.load.over.wait(0.02)
                continue
            self.load.forgive(status)
            if status != 201:
                raise RuntimeError(f"POST /task was answered {status}: {answer}")
            self.journal.write({"accepted": answer["ids"]})
            if self.rng.random() < 0.1 and all("id" in msg for msg in self.owed):
                continue  # once more: nothing may be accepted twice
            self.owed = None

    def make(self) -> list[dict[str, Any]]:
        """Make a request. Without ids of its own, an unanswered one is accepted twice."""
        own_ids = self.rng.random() < 0.9
        msgs = [self._msg(own_ids) for _ in range(self.rng.choice((1, 1, 2, 5, 20)))]
        if own_ids:
            self.journal.write({"offered": [msg["id"] for msg in msgs]})
        return msgs

    def _msg(self, own_id: bool) -> dict[str, Any]:
        msg: dict[str, Any] = {"period": SUBMITTED_PERIOD}
        if own_id:
            msg["id"] = own_xid(self.rng)
        size = self.rng.choices((0, 20, 300, 6000), (5, 5, 3, 1))[0]
        if size:
            msg["payload"] = {"text": "x" * self.rng.randrange(size)}
        return msg


ALPHABET = "0123456789abcdefghijklmnopqrstuv"


def own_xid(rng: random.Random) -> str:
    """Return an id of the present second and of a random rest."""
    raw = int(time.time()).to_bytes(4, "big") + rng.randbytes(8)
    bits = int.from_bytes(raw, "big") << 4
    return "".join(ALPHABET[bits >> shift & 31] for shift in range(95, -1, -5))


class Worker(Client):
    """Takes batches and settles them in every way there is."""

    owed: list[Any]  # reports without an answer
    stream: Connection | None = None

    def work(self) -> None:
        """Take batches until the stream is lost."""
        if not hasattr(self, "owed"):
            self.owed = []
        self.pay()
        batchsize = self.rng.randint(1, LONGEST_BATCH)
        short = "&short=1" if self.rng.random() < 0.3 else ""
        stream = Connection(self.load.port)
        try:
            status = stream.ask("GET", f"/task?batchsize={batchsize}{short}")
            if status == 503:
                raise LostError
            self.load.forgive(status)
            if status != 200:
                raise RuntimeError(f"GET /task was answered {status}")
            for batch, ids in self.batches(stream):
                if not self.settle(batch, ids):
                    break
                if self.load.over.is_set():
                    break
        finally:
            stream.close()

    def batches(self, stream: Connection) -> Iterator[tuple[str, list[str]]]:
        """Yield batches. Also of a batch that breaks off, what came is written down.

        The server's chunks are whole lines, so what is around them is lines that nobody looks for.
        """
        while not self.load.over.is_set():
            note = stream.line()
            if not note.startswith(": batch="):
                continue
            words = dict(word.split("=") for word in note.removeprefix(": ").split())
            msgs: list[tuple[str, int]] = []
            try:
                while len(msgs) < int(words["size"]):
                    line = stream.line()
                    if line.startswith("data: "):
                        msg = json.loads(line.removeprefix("data: "))
                        msgs.append((msg["id"], msg.get("attempt", 1)))
            finally:
                if msgs:
                    self.journal.write({"sent": [words["batch"], int(words["at"]), msgs]})
            self.load.received += len(msgs)
            yield words["batch"], [id for id, _ in msgs]

    def settle(self, batch: str, ids: list[str]) -> bool:
        """Do something with a batch. False where the stream is to be left."""
        self.load.over.wait(self.rng.random() * 2 * self.load.work_pause)
        deeds: list[tuple[Callable[[str, list[str]], bool], int]] = [
            (self.whole, 60),
            (self.omit, 9),
            (self.fail, 9),
            (self.partial, 8),
            (self.bare, 5),
            (self.plain_list, 3),
            (self.twice, 6),
            (self.leave, 5),
            (self.too_late, 3),
        ]
        if self.load.calm.is_set():
            return self.whole(batch, ids)
        [deed] = self.rng.choices([deed for deed, _ in deeds], [share for _, share in deeds])
        return deed(batch, ids)

    def whole(self, batch: str, ids: list[str]) -> bool:
        """Report all of it."""
        return self.report({"batch": batch, "ids": ids})

    def omit(self, batch: str, ids: list[str]) -> bool:
        """Leave some out, perhaps all."""
        return self.report({"batch": batch, "ids": ids[: self.rng.randrange(len(ids))]})

    def fail(self, batch: str, ids: list[str]) -> bool:
        """Say of some that they failed."""
        cut = self.rng.randrange(len(ids))
        failed = [{"id": id, "error": "no luck"} for id in ids[cut:]]
        return self.report({"batch": batch, "ids": ids[:cut], "failed": failed})

    def partial(self, batch: str, ids: list[str]) -> bool:
        """In pieces, the last one whole."""
        for id in ids[:-1]:
            self.report({"batch": batch, "ids": [id], "partial": True})
        return self.whole(batch, ids[-1:])

    def bare(self, _batch: str, ids: list[str]) -> bool:
        """Id by id, with nothing else."""
        return all(self.report(id) for id in ids)

    def plain_list(self, _batch: str, ids: list[str]) -> bool:
        """Name no batch."""
        return self.report(ids)

    def twice(self, batch: str, ids: list[str]) -> bool:
        """Report and report again."""
        return self.whole(batch, ids) and self.whole(batch, ids)

    def leave(self, _batch: str, _ids: list[str]) -> bool:
        """Go away without a word."""
        return False

    def too_late(self, batch: str, ids: list[str]) -> bool:
        """Report when the lease and the grace are over."""
        self.load.over.wait((TIMES["lease"] + TIMES["drop-grace"] + 200) / 1000)
        self.whole(batch, ids)
        return False

    def report(self, body: Any) -> bool:
        """Report, now or to the next server."""
        self.owed.append(body)
        self.pay()
        return True

    def pay(self) -> None:
        """Send what has no answer yet."""
        while self.owed:
            status, answer = self.post("/report", self.owed[0])
            if status == 503:
                raise LostError
            self.load.forgive(status)
            # 409: it came too late for some of it, and the answer has the counts all the same.
            if status not in (200, 409):
                raise RuntimeError(f"POST /report was answered {status}: {answer}")
            self.journal.write({"report": self.owed[0], "answer": answer, "at": now_ms()})
            self.load.answered += 1
            del self.owed[0]


class Load:
    """All clients of a run."""

    def __init__(
        self,
        port: int,
        journals: Path,
        seed: int,
        *,
        workers: int = 6,
        submitters: int = 1,
        work_pause: float = 0.004,
        submit_pause: float = 0.03,
        forgiving: bool = False,
    ) -> None:
        journals.mkdir(exist_ok=True)
        self.port = port
        self.journals = journals
        self.seed = seed
        self.work_pause = work_pause
        self.submit_pause = submit_pause
        self.forgiving = forgiving  # 500 is an answer that may be: try again
        self.over = threading.Event()
        self.calm = threading.Event()  # nothing new, and everything is reported
        self.received = self.answered = self.refused = 0  # about: nobody locks them
        self.failures: list[str] = []
        self.submitters = [Submitter(self, f"submitter-{i}") for i in range(submitters)]
        self.clients: list[Client] = [Worker(self, f"worker-{i}") for i in range(workers)]

    def forgive(self, status: int) -> None:
        """Take 500 for a lost connection where that may be."""
        if status == 500 and self.forgiving:
            raise LostError

    def settled(self) -> bool:
        """Tell whether every submitter has its answer. For a calm load."""
        return all(submitter.settled for submitter in self.submitters)

    def end(self) -> None:
        """Stop all."""
        self.over.set()
        for client in [*self.submitters, *self.clients]:
            client.join(TIMEOUT + 5)
