"""`pena work` whose commands print more than anybody reads."""

from __future__ import annotations

import array
import fcntl
import signal
import subprocess
import termios
import time
from pathlib import Path

import pytest

from support.poll import until
from support.process import ServerProcess, quiet_environment
from support.site import Site
from support.work import QUICK, TIMES, records, submit


@pytest.fixture
def server(site: Site) -> ServerProcess:
    return site.process("--no-generate", *TIMES, *QUICK, quick=False)


def is_full(process: subprocess.Popen[bytes]) -> bool:
    """Whether the pipe of its stdout is."""
    assert process.stdout is not None
    most = fcntl.fcntl(process.stdout, fcntl.F_GETPIPE_SZ)
    there = array.array("i", [0])
    fcntl.ioctl(process.stdout, termios.FIONREAD, there)
    return there[0] >= most - 4096


def test_one_that_prints_much_holds_up_no_other_where_nobody_reads(
    site: Site, server: ServerProcess, tmp_path: Path
) -> None:
    submit(site, server.url, ["talks"])
    mark = tmp_path / "mark"
    script = f'if [ "$1" = talks ]; then exec yes; fi; >{mark}'
    words = ["pena", "work", "--url", server.url, "--jobs", "2", "--", "sh", "-c", script, "sh"]
    with subprocess.Popen(
        [*words, "{}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=quiet_environment()
    ) as worker:
        assert worker.stdout is not None
        until(lambda: is_full(worker), "nothing more can be written", 60)
        submit(site, server.url, ["is short"])
        until(mark.exists, "the other has run", 60)
        worker.stdout.close()
        assert worker.wait(60) == 1


def test_what_does_not_begin_where_nobody_reads_is_given_back(
    site: Site, server: ServerProcess, tmp_path: Path
) -> None:
    """Each prints what fits into its own pipe: so it ends, and the next may not begin for ever."""
    submit(site, server.url, ["a"] * 200, max_resends=0)
    begun, said = tmp_path / "begun", tmp_path / "said"
    script = f"echo >>{begun}; head -c 60000 /dev/zero"
    words = ["pena", "work", "--url", server.url, "--", "sh", "-c", script]
    with (
        said.open("w") as err,
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=err, env=quiet_environment()) as it,
    ):
        until(lambda: is_full(it), "nothing more can be written", 60)
        sizes = [-1]

        def rests() -> bool:
            """No command has begun since it was last asked, a second ago."""
            time.sleep(1)
            sizes.append(begun.stat().st_size)
            return sizes[-1] == sizes[-2]

        until(rests, "no more begin", 60)
        it.send_signal(signal.SIGTERM)
        summary = f"pena: {sizes[-1]} done, 0 failed, 1 given back\n"
        until(lambda: summary in said.read_text(), "it has told what became of all", 60)
        # What was printed by then is there for whoever reads it late.
        assert it.stdout is not None
        assert it.stdout.read() == (b"\0" * 60_000 + b"\n") * sizes[-1]
        assert it.wait(60) == 0
    assert sizes[-1] < 200
    [failed] = records(server.url, "fail").values()
    assert [miss["reason"] for miss in failed["misses"]] == ["refused"]
    warning = f"the msg {failed['id']} was given back at its last attempt, so it has failed"
    assert warning in said.read_text()


@pytest.mark.parametrize(("code", "ends_with"), [(0, 1), (65, 123)])
def test_a_signal_ends_one_whose_output_nobody_reads(
    site: Site, server: ServerProcess, tmp_path: Path, code: int, ends_with: int
) -> None:
    """What it cannot write is lost, and it says so."""
    submit(site, server.url, ["a"])
    said = tmp_path / "said"
    script = f"head -c 1000000 /dev/zero; exit {code}"
    words = ["pena", "work", "--url", server.url, "--fail-on-failed", "--", "sh", "-c", script]
    with (
        said.open("w") as err,
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=err, env=quiet_environment()) as it,
    ):
        until(lambda: is_full(it), "nothing more can be written", 60)
        bucket = "fail" if code else "report"
        until(lambda: len(records(server.url, bucket)) == 1, "its command has ended")
        it.send_signal(signal.SIGTERM)
        assert it.wait(60) == ends_with
    assert said.read_text().count("pena: cannot write to stdout: nobody reads it\n") == 1


def test_a_slow_reader_is_waited_for_behind_a_signal(
    site: Site, server: ServerProcess, tmp_path: Path
) -> None:
    """For longer than one who reads nothing."""
    submit(site, server.url, ["a"])
    words = ["pena", "work", "--url", server.url, "--", "head", "-c", "800000", "/dev/zero"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=quiet_environment()
    ) as it:
        assert it.stdout is not None
        until(lambda: is_full(it), "nothing more can be written", 60)
        until(lambda: len(records(server.url, "report")) == 1, "its command has ended")
        it.send_signal(signal.SIGTERM)
        read = b""
        while piece := it.stdout.read(100_000):
            read += piece
            time.sleep(1.2)
        assert read == b"\0" * 800_000 + b"\n"
        assert it.wait(60) == 0


def test_a_slow_reader_is_waited_for_where_a_second_signal_has_ended_the_command(
    site: Site, server: ServerProcess, tmp_path: Path
) -> None:
    submit(site, server.url, ["a"])
    said, mark = tmp_path / "said", tmp_path / "mark"
    script = f"head -c 800000 /dev/zero; echo; echo >{mark}; exec sleep 1000"
    words = ["pena", "work", "--url", server.url, "--", "sh", "-c", script]
    with (
        said.open("w") as err,
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=err, env=quiet_environment()) as it,
    ):
        assert it.stdout is not None
        until(mark.exists, "its command has printed all", 60)
        it.send_signal(signal.SIGTERM)
        until(lambda: "another signal" in said.read_text(), "the first one was noted", 60)
        it.send_signal(signal.SIGTERM)
        until(lambda: "1 given back" in said.read_text(), "the command has ended", 60)
        read = b""
        while piece := it.stdout.read(100_000):
            read += piece
            time.sleep(0.2)
        assert read == b"\0" * 800_000 + b"\n"
        assert it.wait(60) == 0
    assert "nobody reads" not in said.read_text()
