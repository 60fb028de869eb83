"""`pena work`: a command a msg, what it is told, and what becomes of it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.poll import until
from support.process import ServerProcess, quiet_environment, run
from support.site import Site
from support.stream import get
from support.work import QUICK, TIMES, Work, records, submit


@pytest.fixture
def server(site: Site) -> ServerProcess:
    return site.process("--no-generate", *TIMES, *QUICK, quick=False)


def is_left(process: str) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_the_command_is_told_of_its_msg(site: Site, server: ServerProcess, work: Work) -> None:
    [id] = submit(
        site, server.url, [{"to": "ann", "at": {"n": 7}}], "mail", key="order 7", max_resends=0
    )
    script = (
        'printf "%s\\n" "$PENA_ID" "$PENA_QUEUE" "$PENA_KEY" "$PENA_ATTEMPT" "$PENA_LAST_ATTEMPT" '
        '"$PENA_PAYLOAD" "$(cat)" "$@"'
    )
    words = ["--queue", "mail", "--until-empty", "--", "sh", "-c", script, "sh"]
    worker = work(server.url, *words, "{}", "{to}-{at.n}", "{{}}")
    assert worker.end() == 0, worker.said
    payload = '{"to":"ann","at":{"n":7}}'
    assert worker.printed == [
        id,
        "mail",
        "order 7",
        "1",
        "1",
        payload,
        payload,
        payload,
        "ann-7",
        "{}",
    ]
    assert worker.said == "pena: 1 done, 0 failed, 0 given back\n"


def test_a_string_is_its_characters_and_nothing_is_nothing(
    site: Site, server: ServerProcess, work: Work
) -> None:
    submit(site, server.url, ["a b\n$(c)"])
    submit(site, server.url, [None])
    script = 'cat; printf "|%s|%s\\n" "$PENA_PAYLOAD" "$1"'
    worker = work(server.url, "--until-empty", "--", "sh", "-c", script, "sh", "{}")
    assert worker.end() == 0, worker.said
    assert "\n".join(worker.printed) == "a b\n$(c)|a b\n$(c)|a b\n$(c)\n||"


def test_a_field_that_is_missing_fails_its_msg_for_good(
    site: Site, server: ServerProcess, work: Work, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    submit(site, server.url, [{"to": "ann"}])
    worker = work(server.url, "--until-empty", "--", "touch", str(mark), "{at}")
    assert worker.end() == 0
    [failed] = records(server.url, "fail").values()
    assert failed["attempts"] == 1
    assert failed["misses"][0]["error"] == 'the payload has no field "at" for {at}'
    assert 'failed for good: the payload has no field "at" for {at}' in worker.said
    assert not mark.exists()


@pytest.mark.parametrize(
    ("script", "errors"),
    [
        ("echo no such file >&2; exit 65", ["exit 65: no such file"]),
        ("echo busy >&2; exit 75", ["exit 75: busy"] * 2),
        ("exit 3", ["exit 3"] * 2),
        ("kill -USR1 $$", ["killed by SIGUSR1"] * 2),
        ("kill -9 $$", ["killed by SIGKILL"] * 2),
        ("head -c 100000 /dev/zero | tr '\\0' x >&2; echo the end >&2; exit 1", None),
        ("printf 'a\\377b' >&2; exit 1", ["exit 1: a\N{REPLACEMENT CHARACTER}b"] * 2),
    ],
)
def test_how_it_ended_is_the_error_of_its_msg(
    site: Site, server: ServerProcess, work: Work, script: str, errors: list[str] | None
) -> None:
    submit(site, server.url, ["a"], max_resends=1)
    worker = work(server.url, "--until-empty", "--json", "--", "sh", "-c", script)
    assert worker.end() == 0, worker.said
    [failed] = records(server.url, "fail").values()
    found = [miss["error"] for miss in failed["misses"]]
    if errors is None:
        assert {len(error.encode()) <= 1024 for error in found} == {True}
        assert all(error.startswith("exit 1: …xxx") for error in found)
        assert all(error.endswith("xxx" + "the end") for error in found)
    else:
        assert found == errors
    told = [json.loads(line) for line in worker.printed]
    assert [one["error"] for one in told] == found
    assert [one["outcome"] for one in told] == ["failed"] * len(found)
    assert [one["attempt"] for one in told] == list(range(1, len(found) + 1))


def test_what_takes_too_long_is_ended_with_all_that_it_started(
    site: Site, server: ServerProcess, work: Work, tmp_path: Path
) -> None:
    submit(site, server.url, ["a"], max_resends=0)
    started = tmp_path / "started"
    script = f"sleep 1000 & echo $! >{started}; echo begun >&2; wait"
    # Longer than a busy machine takes to start it.
    words = ["--timeout", "3s", "--until-empty", "--", "sh", "-c", script]
    worker = work(server.url, *words)
    assert worker.end() == 0
    [failed] = records(server.url, "fail").values()
    assert failed["misses"][0]["error"] == "it took longer than 3s: begun"
    assert not is_left(started.read_text().strip())


def test_a_long_command_keeps_its_lease(site: Site, work: Work) -> None:
    times = [time for time in TIMES if not time.startswith("--lease")]
    server = site.process("--no-generate", *times, *QUICK, "--lease=1s", quick=False)
    submit(site, server.url, ["a"])
    worker = work(server.url, "--until-empty", "--", "sleep", "3")
    assert worker.end() == 0, worker.said
    [reported] = records(server.url, "report").values()
    assert (reported["attempts"], reported["misses"]) == (1, [])


def test_sigterm_finishes_what_runs_and_costs_no_msg_an_attempt(
    site: Site, server: ServerProcess, work: Work, tmp_path: Path
) -> None:
    ids = submit(site, server.url, list("abcd"))
    begun, may_end = tmp_path / "begun", tmp_path / "may_end"
    script = f"echo begun >>{begun}; until [ -e {may_end} ]; do sleep 0.01; done"
    worker = work(server.url, "--jobs", "2", "--", "sh", "-c", script)
    until(lambda: begun.exists() and len(begun.read_text().split()) == 2, "two have begun")
    worker.send(signal.SIGTERM)
    worker.hear("another signal ends their commands")
    # It takes no more: a msg that comes now waits.
    ids += submit(site, server.url, ["e"])
    may_end.touch()
    assert worker.end() == 0, worker.said
    reported, queued = records(server.url, "report"), records(server.url, "queue")
    assert sorted([*reported, *queued]) == sorted(ids)
    assert len(reported) == len(begun.read_text().split()) == 2
    assert {record["attempts"] for record in reported.values()} == {1}
    assert {(record["attempt"], *record["misses"]) for record in queued.values()} == {(1,)}
    assert worker.said.endswith("pena: 2 done, 0 failed, 0 given back\n")


def test_a_second_signal_ends_the_commands_and_gives_their_msgs_back(
    site: Site, server: ServerProcess, work: Work, tmp_path: Path
) -> None:
    submit(site, server.url, ["a", "b"])
    started = tmp_path / "started"
    script = f"sleep 1000 & echo $! >>{started}; wait"
    worker = work(server.url, "--jobs", "2", "--json", "--", "sh", "-c", script)
    until(lambda: started.exists() and len(started.read_text().split()) == 2, "both have begun")
    worker.send(signal.SIGINT)
    worker.hear("another signal ends their commands")
    assert worker.end(signal.SIGINT) == 0
    assert [json.loads(line)["outcome"] for line in worker.printed] == ["given_back"] * 2
    found = records(server.url, "queue")
    reasons = [miss["reason"] for record in found.values() for miss in record["misses"]]
    assert reasons == ["refused"] * 2
    assert not any(is_left(process) for process in started.read_text().split())


def test_what_is_printed_is_the_result(site: Site, server: ServerProcess, work: Work) -> None:
    ids = submit(site, server.url, [{"n": 7}, {"n": 8}, {"n": 9}, {"n": 10}])
    prints = '8) echo hello;; 9) ;; 10) printf "[1,\\n 2]";; *) echo "{{ \\"n\\": $1 }}";;'
    script = f"case $1 in {prints} esac"
    words = ["--results", "--until-empty", "--", "sh", "-c", script, "sh", "{n}"]
    worker = work(server.url, *words)
    assert worker.end() == 0
    reported = records(server.url, "report")
    results = [reported[id].get("result") for id in ids]
    assert results == [{"n": 7}, None, None, [1, 2]]
    assert worker.printed == []
    assert f"the msg {ids[1]} is done without a result, for its stdout was no JSON" in worker.said
    assert worker.said.count("without a result") == 1


def test_a_result_that_is_refused_is_no_success_and_too_much_output_is_none(
    site: Site, server: ServerProcess, work: Work
) -> None:
    """Of more than is kept nobody knows whether it is JSON."""
    refused, too_much = submit(site, server.url, [{"bytes": 100_000}, {"bytes": 1_100_000}])
    script = """printf '"'; head -c $1 /dev/zero | tr '\\0' x; printf '"'"""
    words = ["--results", "--json", "--until-empty", "--", "sh", "-c", script, "sh", "{bytes}"]
    worker = work(server.url, *words)
    assert worker.end() == 0
    first, second = [json.loads(line) for line in worker.printed]
    assert (first["id"], first["outcome"], first["final"]) == (refused, "failed", True)
    assert first["error"].startswith("its result was not taken: ")
    assert (second["id"], second["outcome"]) == (too_much, "done")
    assert "is done without a result, for its stdout was more than 1048576 bytes" in worker.said


def test_lines_of_commands_that_print_at_once_do_not_mix(
    site: Site, server: ServerProcess, work: Work
) -> None:
    submit(site, server.url, list("abcdefgh"))
    line = 'printf "$1$1$1"; printf "$1$1\\n"'
    script = f"i=0; while [ $i -lt 300 ]; do {line}; i=$((i+1)); done; printf $1"
    worker = work(server.url, "--jobs", "8", "--until-empty", "--", "sh", "-c", script, "sh", "{}")
    assert worker.end() == 0, worker.said
    whole = [letter * 5 for letter in "abcdefgh" for _ in range(300)]
    assert sorted(worker.printed) == sorted([*whole, *"abcdefgh"])


def test_a_line_is_printed_as_it_was_however_long(
    site: Site, server: ServerProcess, work: Work
) -> None:
    submit(site, server.url, ["a"])
    script = (
        "head -c 3000000 /dev/zero | tr '\\0' x; echo; head -c 3000000 /dev/zero | tr '\\0' y >&2"
    )
    worker = work(server.url, "--until-empty", "--", "sh", "-c", script)
    assert worker.end() == 0
    assert worker.printed == ["x" * 3_000_000]
    assert worker.said == "y" * 3_000_000 + "\npena: 1 done, 0 failed, 0 given back\n"


def test_64_jobs_that_print_much_ignore_their_input_and_leave_others_behind(
    site: Site, server: ServerProcess, work: Work, tmp_path: Path
) -> None:
    ids = [id for _ in range(4) for id in submit(site, server.url, ["x" * 200_000] * 32)]
    script = f"exec <&-; head -c 1000000 /dev/zero; sleep 1000 & echo $! >>{tmp_path / 'left'}"
    worker = work(server.url, "--jobs", "64", "--until-empty", "--json", "--", "sh", "-c", script)
    try:
        assert worker.end() == 0, worker.said
    finally:
        for process in (tmp_path / "left").read_text().split():
            os.kill(int(process), signal.SIGKILL)
    assert sorted(get(server.url, "/report")["ids"]) == sorted(ids)


def test_a_payload_that_no_argument_can_have_fails_for_good(
    site: Site, server: ServerProcess, work: Work
) -> None:
    submit(site, server.url, ["x" * 140_000])
    script = 'echo "${PENA_PAYLOAD-none}"; wc -c'
    assert work(server.url, "--until-empty", "--", "sh", "-c", script, "{}").end() == 0
    [failed] = records(server.url, "fail").values()
    assert failed["attempts"] == 1
    assert (
        "would have 140000 bytes; the system takes at most 131071" in failed["misses"][0]["error"]
    )
    submit(site, server.url, ["x" * 140_000])
    worker = work(server.url, "--until-empty", "--", "sh", "-c", script)
    assert worker.end() == 0
    assert worker.printed == ["none", "140000"]


@pytest.mark.parametrize(
    ("queues", "sentence"),
    [
        (",".join(f"q{n}" for n in range(65)), "65 names; expected at most 64"),
        ("E-Mail", 'the name "E-Mail"; expected names of 1 to 64 of a-z'),
    ],
)
def test_queues_that_cannot_be_are_bad_usage(queues: str, sentence: str) -> None:
    ran = run("pena", "work", "--queue", queues, "--", "true")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith(f"pena: --queue has {sentence}")


def test_a_server_that_refuses_ends_it(site: Site, server: ServerProcess) -> None:
    """It reads no target as long as this one; that another does is nothing the command knows."""
    many = ",".join(f"{n:060}" for n in range(40))
    ran = run("pena", "work", "--url", server.url, "--queue", many, "--", "true")
    assert (ran.returncode, ran.stdout) == (1, "")
    [summary, refusal] = ran.stderr.splitlines()
    assert summary == "pena: 0 done, 0 failed, 0 given back"
    assert refusal.startswith("pena: the server refused the stream: 414: the target has ")
    assert refusal.endswith(" bytes; expected at most 2048")


def test_whoever_reads_no_more_ends_it_and_loses_nothing(site: Site, server: ServerProcess) -> None:
    submit(site, server.url, [str(n) for n in range(50)])
    words = ["pena", "work", "--url", server.url, "--until-empty", "--", "echo", "{}"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=quiet_environment(), text=True
    ) as worker:
        assert worker.stdout is not None
        worker.stdout.readline()
        worker.stdout.close()
        submit(site, server.url, ["more"] * 50)
        assert worker.wait(60) == 1
        assert worker.stderr is not None
        assert "cannot write to stdout: Broken pipe" in worker.stderr.read()
    reported = records(server.url, "report")
    assert {record["attempts"] for record in reported.values()} == {1}
    assert records(server.url, "fail") == {}


def test_a_command_that_prints_for_ever_ends_when_nobody_reads(
    site: Site, server: ServerProcess
) -> None:
    submit(site, server.url, ["a"])
    words = ["pena", "work", "--url", server.url, "--", "yes"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=quiet_environment(), text=True
    ) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "y\n"
        worker.stdout.close()
        assert worker.wait(60) == 1
    [given_back] = records(server.url, "queue").values()
    assert [miss["reason"] for miss in given_back["misses"]] == ["refused"]


def test_a_parent_that_ignores_its_children_changes_nothing(
    site: Site, server: ServerProcess
) -> None:
    submit(site, server.url, ["a"])
    ignoring = (
        "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); "
        "os.execvp(sys.argv[1], sys.argv[1:])"
    )
    words = ["pena", "work", "--url", server.url, "--until-empty", "--", "sh", "-c", "exit 0"]
    ran = run("python3", "-c", ignoring, *words)
    assert (ran.returncode, ran.stderr) == (0, "pena: 1 done, 0 failed, 0 given back\n")
    assert len(get(server.url, "/report")["ids"]) == 1


def test_a_worker_may_run_within_a_command(site: Site, server: ServerProcess, work: Work) -> None:
    """Its own msgs are told, not those of the outer one, and nothing is strange to it."""
    submit(site, server.url, ["outer"], key="k")
    submit(site, server.url, ["inner"], "inner")
    inner = f"pena work --url {server.url} --queue inner --until-empty -- sh -c"
    script = f"""{inner} 'echo "$PENA_PAYLOAD ${{PENA_KEY-none}}"' 2>&1"""
    worker = work(server.url, "--until-empty", "--", "sh", "-c", script)
    assert worker.end() == 0, worker.said
    assert worker.printed == ["inner none", "pena: 1 done, 0 failed, 0 given back"]


def test_on_a_terminal_a_line_tells_how_it_goes(
    site: Site, server: ServerProcess, tmp_path: Path
) -> None:
    submit(site, server.url, list("ab"))
    may_end = tmp_path / "may_end"
    script = f"until [ -e {may_end} ]; do sleep 0.01; done"
    words = ["pena", "work", "--url", server.url, "--until-empty", "--", "sh", "-c", script]
    shown = b""
    with ExitStack() as stack:
        master, terminal = os.openpty()
        stack.callback(os.close, master)
        worker = stack.enter_context(
            subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=terminal,
                env=quiet_environment(),
            )
        )
        stack.callback(worker.kill)
        stack.callback(may_end.touch)
        os.close(terminal)

        def shows(wanted: bytes) -> bool:
            nonlocal shown
            if select.select([master], [], [], 0)[0]:
                shown += os.read(master, 4096)
            return wanted in shown

        line = b"\r0 done, 0 failed, 1 running\x1b[K"
        until(lambda: shows(line), "its line tells that a command runs", 60)
        may_end.touch()
        with contextlib.suppress(OSError):  # its other end is closed
            while piece := os.read(master, 4096):
                shown += piece
        assert worker.wait(60) == 0
    assert shown.endswith(b"pena: 2 done, 0 failed, 0 given back\r\n")
    assert b"\x1b[3" not in shown  # no colours
