"""Payloads that are larger than a worker takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import pena
from support.site import Site
from support.work import QUICK, TIMES, Works, records, submit

SENTENCE = "more than this worker takes: its max_payload is 1000 bytes"


@pytest.mark.parametrize("processes", [1, 2])
def test_a_msg_that_is_too_large_for_a_worker_fails_alone(processes: int) -> None:
    """Python's `str` is the handler: also another process can import it."""
    with pena.Server(generate=False, retry_first=0.01, max_resends=1) as server:
        queue = pena.Queue(server.url)
        small, large, other = queue.submit(["a", "b" * 20_000, "c"])
        pena.Worker(server.url, str, processes=processes, max_payload=1000).run(until_empty=True)
        assert {done.id for done in queue.results(ids=[small, other])} == {small, other}
        [failed] = queue.failed()
        assert (failed.id, failed.attempts) == (large, 2)
        assert SENTENCE in failed.errors[-1]
        queue.retry(ids=[failed.id])
        pena.Worker(server.url, str, processes=processes).run(until_empty=True)
        assert next(iter(queue.results(ids=[large]))).attempts == 1
        queue.close()


def test_a_command_is_not_begun_with_what_is_too_large(site: Site, tmp_path: Path) -> None:
    server = site.process("--no-generate", *TIMES, *QUICK, quick=False)
    small, large = submit(site, server.url, ["a", "b" * 20_000], max_resends=1)
    words = ["--max-payload", "1000B", "--until-empty", "--fail-on-failed"]
    worker = Works(tmp_path, site).start(server.url, *words, "--", "true")
    assert worker.end() == 123
    assert set(records(server.url, "report")) == {small}
    assert worker.said.count(f"the msg {large} failed: the msg is {SENTENCE}") == 2
    assert worker.said.endswith("pena: 1 done, 2 failed, 0 given back\n")


def test_what_is_too_large_for_a_command_is_told_as_json(site: Site, tmp_path: Path) -> None:
    server = site.process("--no-generate", *TIMES, *QUICK, quick=False)
    [large] = submit(site, server.url, ["b" * 20_000], max_resends=0, key="k")
    words = ["--max-payload", "1000B", "--until-empty", "--json"]
    worker = Works(tmp_path, site).start(server.url, *words, "--", "true")
    assert worker.end() == 0
    [told] = [json.loads(line) for line in worker.printed]
    assert (told["id"], told["outcome"], told["exit"]) == (large, "failed", None)
    assert (told["queue"], told["key"], told["attempt"]) == (None, None, None)
    assert told["error"] == f"the msg is {SENTENCE}"
    assert "final" not in told


@pytest.mark.parametrize("bytes_", [0, -1, 1 << 40, "1 MiB", None, True])
def test_a_size_that_cannot_be_is_refused(bytes_: object) -> None:
    with pytest.raises(pena.SettingsError, match=r"max_payload (is|cannot be) .*; expected "):
        pena.Worker("http://127.0.0.1:1", print, max_payload=bytes_)  # type: ignore[arg-type]
