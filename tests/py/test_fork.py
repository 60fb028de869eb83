"""A process that forks: what runs stays with the parent, and ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import pena
from support.forks import FORKS, SAME_NUMBER
from support.poll import until
from support.ports import held_port, is_listened_on
from support.process import TIMEOUT, python

pytestmark = pytest.mark.forks

# The child lives until its stdin ends. The parent does what it is told, line by line.
FORKING = """
import multiprocessing, os, sys, warnings, pena
warnings.simplefilter("ignore")  # of newer Pythons, about forks beside threads
store, listen = sys.argv[1], sys.argv[3]
server = pena.Server(store=store, listen=listen, seed=1).start()
client = pena.Client(server.url, batchsize=2, end_above=1000).start()
while not client.stats.received:
    client.wait(0.01)
def live():
    os.write(1, b"up\\n")
    os.read(0, 1)
if sys.argv[2] == "fork":
    child = os.fork()
    if child == 0:
        live()
        os._exit(0)
else:
    process = multiprocessing.get_context("fork").Process(target=live, daemon=False)
    process.start()
    child = process.pid
os.write(1, f"{child}\\n".encode())
for line in sys.stdin:
    if line == "stop\\n":
        client.stop()
        server.stop()
        print("stopped", flush=True)
"""


@pytest.mark.parametrize("by", ["fork", "multiprocessing"])
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_child_keeps_neither_store_nor_port(tmp_path: Path, by: str, end: str) -> None:
    store = str(tmp_path / "store")
    life, hold = os.pipe()
    # Its own stdin is for the child, which reads from another pipe.
    code = FORKING.replace("os.read(0, 1)", f"os.read({life}, 1)")
    with (
        held_port() as port,
        subprocess.Popen(
            [sys.executable, "-c", code, store, by, f"127.0.0.1:{port}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=[life],
        ) as parent,
    ):
        os.close(life)
        try:
            assert parent.stdin is not None
            assert parent.stdout is not None
            lines = sorted(parent.stdout.readline() for _ in range(2))
            assert lines[1] == "up\n"  # its fork is over
            child = int(lines[0])
            if end == "stop":
                parent.stdin.write("stop\n")
                parent.stdin.flush()
                assert parent.stdout.readline() == "stopped\n"
            else:
                parent.send_signal(signal.SIGKILL)
                until(lambda: parent.poll() is not None, "the parent is gone")
            os.kill(child, 0)  # it lives
            names = [os.readlink(file) for file in Path(f"/proc/{child}/fd").iterdir()]
            assert not any(name.startswith("socket:") for name in names)
            assert not any(name.endswith("pena.lock") for name in names)
            assert not is_listened_on(port)
            with pena.Server(store=store, listen=f"127.0.0.1:{port}", generate=False) as again:
                assert again.port == port
            os.kill(child, 0)
        finally:
            os.close(hold)
            if parent.poll() is None:
                parent.kill()


IN_THE_CHILD = """
import os, sys, warnings, pena
warnings.simplefilter("ignore")
server = pena.Server(generate=False).start()
client = pena.Client(server.url).start()
pid = os.fork()
if pid:
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert server.running and client.running
    client.stop()
    server.stop()
    sys.exit(code)
refused = 0
def leave(what):
    with what:
        pass
for ask in (
    server.stop, server.wait, server.start, server.counts, lambda: server.url, lambda: server.port,
    lambda: server.stats, lambda: len(server.queue), lambda: list(server.report),
    lambda: "x" in server.fail, lambda: server.meta("boots"), lambda: leave(server),
    client.stop, client.wait, client.start, lambda: client.batchsize, lambda: client.stats,
    lambda: leave(client),
):
    try:
        ask()
    except pena.NotRunningError as error:
        assert "fork" in str(error) or "before" in str(error), error
        refused += 1
assert refused == 18, refused
assert not server.running and not client.running
repr(server), repr(client)
class Mine(Exception): pass
try:
    with server:
        raise Mine
except Mine:  # and not NotRunningError in its place
    pass
with pena.Server(count=3, seed=1) as own, pena.Client(own.url, batchsize=3, end_above=1000) as mine:
    while not len(own.report):
        own.wait(0.01)
sys.exit(0)
"""


@pytest.mark.parametrize("first", ["", SAME_NUMBER], ids=["numbers", "one number"])
def test_every_call_in_a_child_says_that_nothing_runs_there(first: str) -> None:
    ended = python(first + IN_THE_CHILD)
    assert (ended.returncode, ended.stderr) == (0, "")


HANDLER = """
def handler(msg):
    pid = os.fork()
    if pid == 0:
        signal.alarm(8)
        sys.exit(7)
    return ended(pid)
with pena.Server(generate=False) as server, pena.Queue(server.url) as queue:
    id = queue.submit_one("a")
    pena.Worker(server.url, handler).run(until_empty=True)
    [record] = queue.wait([id], timeout=0).done
    assert record.result == 7, record
"""


def test_a_handlers_child_with_the_number_of_its_parent_does_not_work_on() -> None:
    ended = python(SAME_NUMBER + FORKS + HANDLER)
    assert (ended.returncode, ended.stderr) == (0, "")


LOGS = """
from pena.worker.tells import LogToParent, Tells
tells = Tells(None, None)  # nobody tells, so that each line stays
logging.root.addHandler(LogToParent(tells))
assert ended(fork(lambda: logging.warning("of the child"))) == 0
logging.warning("of the parent")
assert tells._lines.qsize() == 1
"""


@pytest.mark.parametrize("first", ["", SAME_NUMBER], ids=["numbers", "one number"])
def test_what_a_handlers_child_logs_is_not_left_to_threads_of_its_parent(first: str) -> None:
    ended = python(first + FORKS + LOGS)
    assert (ended.returncode, ended.stderr) == (0, "of the child\n")


PROCESSES = """
import os
parents, at_fork = [], []
os.register_at_fork(after_in_child=lambda: at_fork.append(this_process()))  # the first of all
from pena._process import this_process
for generation in range(3):
    parents.append(this_process())
    pid = os.fork()
    if pid:
        assert this_process() is parents[-1]
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os._exit(code)
    assert all(this_process() is not one for one in parents)
    {seen}
"""


@pytest.mark.parametrize(
    ("first", "seen"),
    [("", "assert at_fork[-1] is this_process()"), (SAME_NUMBER, "")],
    ids=["numbers", "one number"],
)
def test_each_process_is_another_one(first: str, seen: str) -> None:
    ended = python(first + PROCESSES.format(seen=seen))
    assert (ended.returncode, ended.stderr) == (0, "")


LOGGED = """
import logging, sys, pena
class Broken(logging.Handler):
    def emit(self, record):
        seen.append(record.getMessage())
        raise {error}("of a handler")
seen = []
logging.raiseExceptions = False
logging.getLogger("pena.server").addHandler(Broken())
logging.getLogger("pena.server").setLevel(logging.INFO)
server = pena.Server(generate=False).start()
server.stop()
assert len(seen) >= 2, seen  # that it listens, and that it stops
"""


@pytest.mark.parametrize("error", ["ValueError", "SystemExit", "KeyboardInterrupt"])
def test_an_exception_in_a_handler_does_not_end_the_logging(error: str) -> None:
    ended = python(LOGGED.format(error=error))
    assert (ended.returncode, ended.stderr) == (0, "")


UNREAD = """
import logging, os, sys, pena
unread, full = os.pipe()
handler = logging.StreamHandler(os.fdopen(full, "w"))
logging.getLogger("pena.server").addHandler(handler)
logging.getLogger("pena.server").setLevel(logging.DEBUG)
server = pena.Server(count=20000, seed=1).start()
clients = [pena.Client(server.url, batchsize=100, panic_above=0, end_above=1000).start()]
while server.counts().report < 5000:
    server.wait(0.01)
print("served", flush=True)
for engine in (*clients, server):
    engine.stop()
print("stopped", flush=True)
os._exit(0)  # logging itself waits for its handlers at the end
"""


def test_a_handler_that_blocks_holds_neither_a_server_nor_its_stop_up() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", UNREAD],
        capture_output=True,
        text=True,
        timeout=TIMEOUT * 2,
        check=False,
    )
    assert ended.stdout == "served\nstopped\n"
    assert ended.returncode == 0
