"""What a backlog of msgs whose clients died costs: memory, and the next client's first batch.

    python bench/suspects.py PENA [--store FOLDER] [--msgs 300000] [--batchsize 10000]

PENA is the program. Clients take batch after batch and die with each; when the grace is over a good
client asks for a full batch. With a store the server is killed then, started again, and asked once
more. Prints; asserts nothing.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import subprocess
import time
from pathlib import Path


class Server:
    """A server in a process of its own."""

    def __init__(self, args: argparse.Namespace) -> None:
        """Start it, and wait for its port."""
        command = [args.pena, "server", "--listen", "127.0.0.1:0", "--no-generate"]
        command += ["--store", args.store or ""]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if found := re.search(r"127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
                break

    def memory(self) -> str:
        """Return the resident set in MB, now and at most."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        now, most = (int(re.search(rf"{key}:\s+(\d+)", text)[1]) for key in ("VmRSS", "VmHWM"))
        return f"{now / 1024:.0f} MB ({most / 1024:.0f} at most)"

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection to it."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def submit(self, count: int) -> None:
        """Hand in so many msgs."""
        connection = self.connect()
        for done in range(0, count, 50_000):
            some = min(50_000, count - done)
            body = json.dumps([{"period": 1, "payload": {"n": n}} for n in range(some)])
            connection.request("POST", "/task", body)
            answer = connection.getresponse()
            assert answer.status == 201, answer.read()
            answer.read()

    def take(self, batchsize: int) -> tuple[int, float]:
        """Take one batch, drop the stream; return its size and the seconds until it was here."""
        connection = self.connect()
        begun = time.monotonic()
        connection.request("GET", f"/task?batchsize={batchsize}")
        stream = connection.getresponse()
        size = got = 0
        while not size or got < size:
            line = stream.readline().decode()
            if found := re.match(r": batch=\S+ size=(\d+)", line):
                size = int(found[1])
            got += line.startswith("data:")
        took = time.monotonic() - begun
        stream.close()
        connection.close()
        return size, took

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("pena")
    parser.add_argument("--store")
    parser.add_argument("--msgs", type=int, default=300_000)
    parser.add_argument("--batchsize", type=int, default=10_000)
    args = parser.parse_args()
    server = Server(args)
    server.submit(args.msgs)
    print(f"{args.msgs} queued: {server.memory()}")
    for _ in range(args.msgs // args.batchsize):
        server.take(args.batchsize)
    print(f"all of them lost with their clients: {server.memory()}")
    time.sleep(6)  # the grace, and the commits behind it
    print(f"all of them to be sent again: {server.memory()}")
    size, took = server.take(args.batchsize)
    print(f"the next client asks for {args.batchsize}: {size} after {took * 1000:.0f} ms")
    print(f"then: {server.memory()}")
    server.kill()
    if args.store:
        server = Server(args)
        size, took = server.take(args.batchsize)
        print(f"after a restart: {size} after {took * 1000:.0f} ms, {server.memory()}")
        server.kill()


if __name__ == "__main__":
    main()
