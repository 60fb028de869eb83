"""Processes: the command, Ctrl-C, and the end of an interpreter."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import pena
from support.process import TIMEOUT, python, quiet_environment, run
from support.site import Site

MODULE = (sys.executable, "-m", "pena.server")
COMMANDS = [pytest.param(("pena", "server"), id="pena"), pytest.param(MODULE, id="python -m")]


def test_version() -> None:
    for command in (("pena",), (sys.executable, "-m", "pena")):
        shown = run(*command, "--version")
        assert (shown.returncode, shown.stderr) == (0, "")
        assert pena.__version__ in shown.stdout


def test_python_m_takes_the_same_options() -> None:
    for part in ("server", "client"):
        native = run("pena", part, "--help")
        in_process = run(sys.executable, "-W", "error", "-m", f"pena.{part}", "--help")
        assert native.returncode == in_process.returncode == 0
        assert native.stdout == in_process.stdout
        assert in_process.stderr == ""


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_with_exit_0(
    site: Site, command: tuple[str, ...], by: signal.Signals
) -> None:
    server = site.process("--count=4", command=command)
    assert server.first_line.startswith("listening on http://127.0.0.1:")
    stream = site.stream(server.url, 2)
    stream.report(stream.next_batch())
    assert server.stop(by) == 0, server.errors
    assert "Traceback" not in server.errors


def test_json_for_machines(site: Site) -> None:
    command = [*MODULE, "--json", "--listen=127.0.0.1:0", f"--store={site.store}", "--count=0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            assert server.stdout is not None
            url = json.loads(server.stdout.readline())["url"]
            assert httpx.get(f"{url}/healthz").status_code == 200
        finally:
            server.terminate()
        assert server.wait(TIMEOUT) == 0


def test_python_m_client_works_for_a_server(site: Site) -> None:
    server = site.server(generate=False)
    [id] = site.submit(server.url, 950)
    client = run(sys.executable, "-m", "pena.client", "--url", server.url, "--batchsize", "1")
    assert client.returncode == 10, client.stderr
    assert id in client.stdout + client.stderr


RUNNING = """
import logging, threading, pena
logging.basicConfig(level=logging.DEBUG, filename="/dev/null")
server = pena.Server(rate=1000).start()
client = pena.Client(server.url, batchsize=3).start()
"""


@pytest.mark.parametrize(
    "left",
    [
        "",
        # So many that one of them comes back while the interpreter ends.
        "for _ in range(40): threading.Thread(target=server.wait, daemon=True).start()",
        "for _ in range(40): threading.Thread(target=client.wait, daemon=True).start()",
        "import gc; del server, client; gc.collect()",
        # So the engines outlive the module and its queue of log lines.
        "logging.kept = server, client",
        "import sys; sys.exit(0)",
    ],
)
def test_an_interpreter_ends_with_what_runs(left: str) -> None:
    ended = python(RUNNING + left)
    assert (ended.returncode, ended.stderr) == (0, "")


FORKED = """
import os, sys, warnings
warnings.simplefilter("ignore")  # of newer Pythons, about forks beside threads
if os.fork() == 0:
    own = pena.Server(generate=False).start()
else:
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""


@pytest.mark.forks
def test_a_forked_child_ends_and_may_have_a_server_of_its_own() -> None:
    ended = python(RUNNING + FORKED)
    assert (ended.returncode, ended.stderr) == (0, "")


FORKED_AMID_A_LINE = """
import logging, os, sys, threading, pena
begun, forking, forked = threading.Event(), threading.Event(), threading.Event()
written = threading.Lock()
class Slow(logging.Handler):
    def emit(self, record):
        with written:
            begun.set()
            forking.wait()
            forked.wait(0.1)  # in vain: the fork waits for the line
logging.getLogger("pena.server").addHandler(Slow())
logging.getLogger("pena.server").setLevel(logging.INFO)
server = pena.Server(generate=False).start()
# After Pena's own, so what it does before a fork is done first.
os.register_at_fork(before=forking.set, after_in_parent=forked.set)
begun.wait()
if os.fork() == 0:
    os._exit(0 if written.acquire(timeout=5) else 3)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""


@pytest.mark.forks
def test_a_forked_child_inherits_no_lock_of_a_handler() -> None:
    ended = python(FORKED_AMID_A_LINE)
    assert (ended.returncode, ended.stderr) == (0, "")


NESTED = """
import pena
class Named:
    def stop(self):
        print(type(self).__name__, flush=True)
        super().stop()
class Server(Named, pena.Server): pass
class Client(Named, pena.Client): pass
kept = [Server(rate=1000).start()]
kept += [Client(kept[0].url).start() for _ in range(9)]
"""


def test_what_started_last_ends_first() -> None:
    ended = python(NESTED)
    assert (ended.stdout, ended.stderr) == ("Client\n" * 9 + "Server\n", "")


# A worker that has a msg ends behind the server's stop time.
DROPPED_LAST = """
import os, sys, threading, time
from datetime import timedelta
from pena import _pena

settings = _pena.WorkerSettings()
settings.url = sys.argv[1]
held = [_pena.Worker(settings, _pena.LogQueue())]
assert held[0].take(timedelta(seconds=60)) is not None
ends = threading.Event()

def drop():
    ends.set()
    held.clear()

class Late:  # at the end of the interpreter
    def __del__(self, sleep=time.sleep, threads=lambda list=os.listdir: list("/proc/self/task")):
        while len(threads()) > 2:  # the worker's own is there
            sleep(0.01)
        sleep(0.5)  # its other thread comes back

sys.late = Late()  # a module's own are left where a thread goes on
threading.Thread(target=drop, daemon=True).start()
ends.wait()
"""


def test_an_interpreter_ends_where_a_daemon_thread_drops_what_runs(site: Site) -> None:
    server = site.server(generate=False)
    site.submit(server.url, 1)
    ended = run(sys.executable, "-c", DROPPED_LAST, server.url)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_an_exception_with_what_runs_is_shown_and_ends_the_interpreter() -> None:
    ended = python(RUNNING + "raise ValueError('of the user')")
    assert ended.returncode == 1
    assert ended.stderr.strip().endswith("ValueError: of the user")


@pytest.mark.parametrize("waiting", ["server", "client"])
def test_ctrl_c_interrupts_a_wait(waiting: str) -> None:
    # Whoever runs the tests in the background has SIGINT ignored, and children inherit that.
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{heard}\n{RUNNING}\nprint('up', flush=True)\n{waiting}.wait()"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=quiet_environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGINT)
        try:
            _, errors = process.communicate(timeout=TIMEOUT)
        finally:
            process.kill()
    assert process.returncode == -signal.SIGINT
    assert errors.strip().endswith("KeyboardInterrupt")


def test_a_wrong_option_is_named() -> None:
    shown = run("pena", "server", "--lease", "soon")
    assert shown.returncode == 2
    assert "lease" in shown.stderr
    assert shown.stdout == ""


def test_an_address_that_is_taken_is_named(site: Site, tmp_path: Path) -> None:
    taken = site.server(generate=False).url.removeprefix("http://")
    shown = run("pena", "server", "--listen", taken, "--store", str(tmp_path / "other"))
    assert shown.returncode == 4
    assert taken in shown.stderr
    assert shown.stdout == ""
