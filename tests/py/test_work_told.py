"""What `pena work` says has become of its msgs: what the server made of them."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from support.poll import until
from support.process import ServerProcess
from support.site import LESS_PATIENT, Site
from support.work import QUICK, TIMES, Work, records, submit, times_of


@pytest.fixture
def server(site: Site) -> ServerProcess:
    return site.process("--no-generate", *TIMES, *QUICK, "--max-result=100B", quick=False)


def test_a_result_that_the_server_refuses_is_no_success(
    site: Site, server: ServerProcess, work: Work
) -> None:
    script = 'echo "\\"$(printf %0$1d 0)\\""'
    words = ["--results", "--until-empty", "--jobs", "4", "--"]
    command = ["sh", "-c", script, "sh", "{}"]
    submit(site, server.url, [1, 2, 200, 3])
    worker = work(server.url, "--json", *words, *command)
    assert worker.end() == 0
    told = sorted((json.loads(line) for line in worker.printed), key=lambda one: one["id"])
    assert [one["outcome"] for one in told] == ["done", "done", "failed", "done"]
    sentence = "its result was not taken: 413: the result of {} has 202 bytes; expected at most 100"
    assert told[2]["error"] == sentence.format(told[2]["id"])
    assert (told[2]["final"], told[2]["exit"]) == (True, 0)
    [id] = submit(site, server.url, [200], key="order 7")
    worker = work(server.url, *words, *command)
    assert worker.end() == 0
    assert f"the msg {id} (key order 7) failed for good: {sentence.format(id)}" in worker.said
    assert worker.said.endswith("pena: 0 done, 1 failed, 0 given back\n")
    assert len(records(server.url, "fail")) == 2


def test_what_comes_too_late_is_no_success(site: Site, work: Work, tmp_path: Path) -> None:
    """The worker is halted until its lease is over and somebody else has done its msg."""
    times = times_of({**LESS_PATIENT, "lease": 1.0})
    server = site.process("--no-generate", *times, *QUICK, quick=False)
    [id] = submit(site, server.url, ["a"])
    begun, may_end = tmp_path / "begun", tmp_path / "may_end"
    script = f"echo >{begun}; until [ -e {may_end} ]; do sleep 0.01; done"
    worker = work(server.url, "--json", "--", "sh", "-c", script)
    until(begun.exists, "it has begun")
    worker.send(signal.SIGSTOP)
    assert work(server.url, "--until-empty", "--", "true").end() == 0
    may_end.touch()
    worker.send(signal.SIGCONT)
    until(lambda: worker.printed, "it was told", 60)
    assert worker.end(signal.SIGTERM) == 0
    [told] = [json.loads(line) for line in worker.printed]
    assert (told["id"], told["outcome"], told["exit"]) == (id, "not_taken", 0)
    assert told["error"].startswith("409: the report came too late for 1 msg ")
    assert "final" not in told


@pytest.mark.parametrize(("final", "code"), [("exit 65", 123), ("exit 3", 123), ("exit $1", 0)])
def test_the_exit_code_may_tell_that_a_msg_has_failed(
    site: Site, server: ServerProcess, work: Work, final: str, code: int
) -> None:
    """`$1` is 0 at the second attempt: what fails and comes back has not failed for good."""
    [id] = submit(site, server.url, ["a"], max_resends=1, key="k")
    script = f"set -- $((2 - PENA_ATTEMPT)); {final}"
    words = ["--until-empty", "--fail-on-failed", "--", "sh", "-c", script]
    worker = work(server.url, *words)
    assert worker.end() == code
    assert (f"the msg {id} (key k) failed for good: " in worker.said) == (code == 123)
    submit(site, server.url, ["a"], max_resends=1)
    assert work(server.url, "--until-empty", "--", "sh", "-c", script).end() == 0


def test_the_last_attempt_that_fails_is_told_as_final(
    site: Site, server: ServerProcess, work: Work
) -> None:
    submit(site, server.url, ["a"], max_resends=1)
    worker = work(server.url, "--until-empty", "--json", "--", "false")
    assert worker.end() == 0
    told = [json.loads(line) for line in worker.printed]
    assert [one.get("final", False) for one in told] == [False, True]


def test_a_queue_that_the_server_does_not_know_is_told(
    site: Site, server: ServerProcess, work: Work
) -> None:
    submit(site, server.url, ["a"], "mail")
    worker = work(server.url, "--queue", "mail,mial", "--until-empty", "--", "true")
    assert worker.end() == 0
    warning, summary = worker.said.splitlines()
    assert warning.endswith(
        ' the server has no msg of the queue "mial", not even one that has ended; is that its name?'
    )
    assert summary == "pena: 1 done, 0 failed, 0 given back"
