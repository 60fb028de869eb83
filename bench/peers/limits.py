"""Measures what one Pena server costs at rest, full, and on its way up.

limits.py --build FOLDER [--python PYTHON] [--out FOLDER] [--backlog 10000000] [--clients 10000]

The server and the load run on a core each. Prints a table, and writes it to limits.md.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import servers
from compare import PACKAGES
from machine import machine
from tables import short

TURNS = 15
SHAPES = ((16, 1), (16, 10), (16, 100), (16, 1000))
SUBMITTED = servers.pena("--no-generate", "--max-queue=20000000", "--max-connections=20000")


@dataclass(frozen=True)
class Memory:
    """Of a process, in kB."""

    own: int  # anonymous: heap and stacks
    file: int  # pages of mapped files: the program, and what was touched of the store


def memory_of(pid: int) -> Memory:
    """Read what the kernel says that is resident."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = {name: rest for name, _, rest in (line.partition(":") for line in lines)}
    return Memory(int(fields["RssAnon"].split()[0]), int(fields["RssFile"].split()[0]))


def cpu_of(pid: int) -> float:
    """Return the seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Bench:
    """Runs `pena bench` and keeps the rows of the table."""

    def __init__(self, build: Path, folder: Path) -> None:
        """Use the command of `build`, and keep stores in `folder`."""
        self.command = build / "cli/pena"
        self.folder = folder
        self.rows: list[tuple[str, str, str]] = []

    def load(self, port: int, *options: str) -> dict[str, Any]:
        """Run one load to its end."""
        ran = subprocess.run(self._words(port, *options), capture_output=True, check=False)
        if ran.returncode != 0:
            raise RuntimeError(ran.stderr.decode())
        result: dict[str, Any] = json.loads(ran.stdout)
        return result

    def begin(self, port: int, *options: str) -> subprocess.Popen[bytes]:
        """Run one load beside what follows."""
        return subprocess.Popen(self._words(port, *options), stdout=subprocess.DEVNULL)

    def _words(self, port: int, *options: str) -> list[str]:
        where = [str(self.command), "bench", f"--url=http://127.0.0.1:{port}", "--json"]
        return ["taskset", "-c", servers.cores().load, *where, *options]

    def row(self, what: str, found: str, target: str) -> None:
        """Add a row."""
        self.rows.append((what, found, target))
        sys.stderr.write(f"{what}: {found}{f' (target: {target})' if target else ''}\n")


def start(bench: Bench) -> None:
    """Measure from the start of the process to the line that says that it listens."""
    times = []
    for _ in range(TURNS):
        with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
            times.append(ready_within_ms(bench, Path(folder) / "pena.lmdb"))
    bench.row("start in a fresh store", f"{statistics.median(times):.1f} ms", "under 30 ms")


def ready_within_ms(bench: Bench, store: Path, *options: str) -> float:
    """Start a server, wait for its first line, stop it; return how long that line took."""
    where = ("--listen=127.0.0.1:0", f"--store={store}", "--no-generate", "--json", *options)
    command = ["taskset", "-c", servers.cores().server, str(bench.command), "server", *where]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        server.stdout.readline()
        took = (time.perf_counter() - began) * 1000
        server.terminate()
    return took


def imported(bench: Bench, python: Path) -> None:
    """Measure `import pena` in a fresh interpreter, and with the name that most scripts want."""
    timed = "import time; t = time.perf_counter(); import pena; {}; print(time.perf_counter() - t)"
    for what, more, target in (
        ("import pena", "pass", "under 50 ms"),
        ("import pena, and pena.Server", "pena.Server", ""),
    ):
        times = []
        for _ in range(TURNS):
            code = timed.format(more)
            ran = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
            times.append(float(ran.stdout) * 1000)
        bench.row(what, f"{statistics.median(times):.1f} ms", target)


def idle(bench: Bench, clients: int) -> None:
    """Measure connections that do nothing but hear heartbeats."""
    seconds = 20
    with servers.running(SUBMITTED, bench.folder / "idle", bench.command) as (port, pid):
        before, files = memory_of(pid).own, count_files(pid)
        quiet = bench.begin(port, "--work=idle", f"--workers={clients}", "--warmup=600s")
        while count_files(pid) < files + clients:
            if quiet.poll() is not None:
                raise RuntimeError("the idle clients ended before all were connected")
            time.sleep(0.5)
        time.sleep(5)
        used, began = cpu_of(pid), time.perf_counter()
        time.sleep(seconds)
        share = (cpu_of(pid) - used) / (time.perf_counter() - began)
        each = (memory_of(pid).own - before) / clients
        quiet.terminate()
        quiet.wait()
    bench.row(f"an idle connection, of {clients:,}", f"{each:.2f} kB", "at most 4 kB")
    bench.row(
        f"heartbeats of {clients:,} idle clients, one a second each",
        f"{share:.1%} of a core",
        "at most 5 %",
    )


def bare_heartbeats(bench: Bench, clients: int) -> None:
    """Send the same bytes to the same load with bare calls of send: the kernel's own share."""
    stamp = b": at=1795461517194\n"
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        port = listener.getsockname()[1]
        quiet = bench.begin(port, "--work=idle", f"--workers={clients}", "--warmup=600s")
        streams = [listener.accept()[0] for _ in range(clients)]
    for stream in streams:
        stream.recv(4096)
        stream.send(b"HTTP/1.1 200 OK\r\n\r\n" + stamp)
    with servers.on_core(int(servers.cores().server)):
        share = share_of_sends(streams, stamp)
    quiet.kill()
    quiet.wait()
    for stream in streams:
        stream.close()
    bench.row("and of bare calls of send to as many", f"{share:.1%} of a core", "")


def share_of_sends(streams: list[socket.socket], stamp: bytes) -> float:
    """Send a stamp a second to each stream, in bunches; return the share of a core that takes."""
    seconds, bunch = 10, 100
    began, used = time.perf_counter(), time.process_time()
    for n in range(seconds * len(streams) // bunch):
        time.sleep(max(0.0, began + n * bunch / len(streams) - time.perf_counter()))
        for i in range(n * bunch, (n + 1) * bunch):
            streams[i % len(streams)].send(stamp)
    return (time.process_time() - used) / (time.perf_counter() - began)


def count_files(pid: int) -> int:
    """Count the open files of a process."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def backlog(bench: Bench, msgs: int) -> None:
    """Measure the same loads beside an empty queue and beside a long one; then restart."""
    empty, full = {}, {}
    with servers.running(SUBMITTED, bench.folder / "empty", bench.command) as (port, _):
        for shape in SHAPES:
            empty[shape] = rate(bench, port, *shape)
    kept = bench.folder / "kept"
    with servers.running(SUBMITTED, bench.folder / "full", bench.command) as (port, pid):
        fill = ("--work=idle", "--workers=0", "--duration=1ms", "--warmup=0ms")
        bench.load(port, f"--backlog={msgs}", *fill)
        for shape in SHAPES:
            full[shape] = rate(bench, port, *shape)
        used = memory_of(pid)
        os.kill(pid, 9)
        (bench.folder / "full").rename(kept)
    bench.row(f"memory with {msgs:,} queued", f"{used.own / 1000:.0f} MB", "under 200 MB")
    bench.row("and pages of the store's file that are mapped", f"{used.file / 1000:.0f} MB", "")
    for shape in SHAPES:
        what = f"rate beside {msgs:,} queued, W{shape[0]} B{shape[1]}, to the empty queue's"
        told = f"{short(full[shape])} to {short(empty[shape])}: {full[shape] / empty[shape]:.0%}"
        bench.row(what, told, "at least 80 %")
    times = [ready_within_ms(bench, kept / "pena.lmdb", "--max-queue=20000000") for _ in range(3)]
    bench.row(f"restart with {msgs:,} msgs", f"{statistics.median(times):.0f} ms", "under 2 s")


def rate(bench: Bench, port: int, workers: int, batch: int) -> float:
    """Return the msgs a second of the closed loop; the median of three."""
    shape = ("--work=submitted", f"--workers={workers}", f"--batchsize={batch}", "--duration=2s")
    return statistics.median(bench.load(port, *shape)["msgs_per_s"] for _ in range(3))


def main() -> None:
    """Measure, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True, help="with cli/pena")
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="that has pena")
    parser.add_argument("--out", type=Path, default=Path("build/bench/results"))
    parser.add_argument("--backlog", type=int, default=10_000_000)
    parser.add_argument("--clients", type=int, default=10_000)
    asked = parser.parse_args()
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    build, python = asked.build.resolve(), asked.python.absolute()
    asked.out.mkdir(parents=True, exist_ok=True)
    os.chdir(asked.out)  # the disk that is meant
    with tempfile.TemporaryDirectory(dir=".", prefix="run-") as folder:
        bench = Bench(build, Path(folder).resolve())
        start(bench)
        imported(bench, python)
        idle(bench, asked.clients)
        bare_heartbeats(bench, asked.clients)
        backlog(bench, asked.backlog)
    about = machine(build, PACKAGES)
    text = (
        f"{about['date']}, {about['pena']} at {about['commit']}, {about['cores']} cores of "
        f"{about['cpu']}, {about['filesystem']}:\n\n| what | measured | target |\n|---|---|---|\n"
    )
    text += "".join(f"| {what} | {found} | {target} |\n" for what, found, target in bench.rows)
    Path("limits.md").write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
