"""What stands in `examples`: a worker and a producer in each language, in all that may happen."""

from __future__ import annotations

import json
import os
import re
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.door import Door
from support.examples import FOLDER, LANGUAGES, WORKERS, Examples, examples_of
from support.pages import ROOT
from support.poll import until
from support.ports import held_port
from support.process import ServerProcess
from support.site import Site
from support.stream import get, post

PAGE = "docs/workers.md"
NO_N = 'the payload has no "n"; expected a whole number'
BUSY = {5: 1, 12: 1, 25: 1, 33: 2}  # so many attempts of the msg fail
LONG, KILL, FINAL = 10, 15, 20
PERIODS = {LONG: 2500, KILL: 1500}  # the first longer than its lease
# Nothing here is lost, so nothing waits for the grace.
TIMES = (
    *("--heartbeat=200ms", "--silence=1s", "--drop-grace=10s", "--lease=1s"),
    "--retry-first=100ms",
)
# Here it is waited for.
SHORT_GRACE = (
    *("--heartbeat=100ms", "--silence=300ms", "--stop-time=20ms", "--slack=20ms"),
    *("--drop-grace=500ms", "--lease=1s"),
)


@pytest.fixture(params=LANGUAGES)
def examples(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Examples]:
    with examples_of(request.param, tmp_path) as examples:
        yield examples


def msg(number: int) -> dict[str, Any]:
    payload = {"busy": BUSY.get(number, 0)} | ({} if number == FINAL else {"n": number})
    return {"key": f"msg {number}", "period": PERIODS.get(number, 20), "payload": payload}


def lines(msgs: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(msg) + "\n" for msg in msgs)


def serve(site: Site, port: int, *times: str) -> ServerProcess:
    listen = f"127.0.0.1:{port}"
    return site.process("--no-generate", *times, quick=False, listen=listen)


def holds(url: str, key: str) -> bool:
    """Whether a client has the msg of that key."""
    held = [id for batch in get(url, "/batch")["batches"] for id in batch["ids"]]
    return any(get(url, f"/task/{id}")["key"] == key for id in held)


def records(url: str, bucket: str) -> dict[str, dict[str, Any]]:
    """Return them by their keys."""
    return {record["key"]: record for record in get(url, f"/{bucket}?records=1")["records"]}


def test_every_msg_is_settled_once_whatever_happens(site: Site, examples: Examples) -> None:
    with held_port() as port:
        server = serve(site, port, *TIMES)
        url = ["--url", server.url, "--queue", "work"]
        producer = examples.start("producer", *url, feed=lines([msg(n) for n in range(40)]))
        worker = examples.start("worker", *url, "--name", "w-1")

        until(lambda: holds(server.url, f"msg {KILL}"), "it was held", timeout=60)
        server.stop(signal.SIGKILL)
        worker.hear("not answered")  # so the job has ended without a server
        serve(site, port, *TIMES)
        assert producer.end() == 1, producer.said
        # By the kill alone: a lease that is not kept ends its stream.
        assert worker.said.count("the stream is lost") == 1, worker.said

        reported, [failed] = records(server.url, "report"), records(server.url, "fail").values()
        site.submitted.update(record["id"] for record in (*reported.values(), failed))
        results = {key: record["result"] for key, record in reported.items()}
        squares = {f"msg {n}": {"square": n * n} for n in range(40) if n != FINAL}
        assert results == squares
        printed = [json.loads(line) for line in producer.printed]
        assert {line["key"]: line["result"] for line in printed} == squares
        assert f"failed: msg {FINAL}: {NO_N}" in producer.said.splitlines()
        for number in set(range(40)) - {FINAL}:
            misses = reported[f"msg {number}"]["misses"]
            assert [miss["error"] for miss in misses] == ["the target was busy"] * BUSY.get(
                number, 0
            ), number
        assert (failed["key"], failed["attempts"]) == (f"msg {FINAL}", 1)
        assert failed["misses"][0]["error"] == NO_N

        # Of what SIGTERM meets, one msg is finished, and the next is not begun.
        more = [{"key": "runs", "period": 1500, "payload": {"n": 1}}]
        more += [{"key": "waits", "payload": {"n": 2}}]
        site.submitted.update(post(server.url, "/task?queue=work", more, 201)["ids"])
        until(lambda: holds(server.url, "runs"), "it was held")
        assert worker.end(signal.SIGTERM) == 0, worker.said
        runs = records(server.url, "report")["runs"]
        assert (runs["attempts"], runs["misses"]) == (1, [])
        [waits] = records(server.url, "queue").values()
        assert (waits["key"], waits["attempt"], waits["misses"]) == ("waits", 1, [])
        settled = [json.loads(line) for line in worker.printed]
        assert set(Counter(id for report in settled for id in report["ids"]).values()) == {1}
        story = get(server.url, f"/task/{runs['id']}")["story"]
        assert [delivery["name"] for delivery in story] == ["w-1"]


def test_an_idle_worker_ends_well(site: Site, examples: Examples) -> None:
    server = site.process("--no-generate")
    variables = {"PENA_URL": server.url, "PENA_QUEUE": "mail", "PENA_NAME": "from the environment"}
    worker = examples.start("worker", **variables)
    more = [{"queue": "mail", "key": "one", "payload": {"n": 3}}]
    site.submitted.update(post(server.url, "/task", more, 201)["ids"])
    until(lambda: "one" in records(server.url, "report"), "it was reported", timeout=60)
    [client] = get(server.url, "/clients")["clients"]
    assert client["name"] == "from the environment"
    assert worker.end(signal.SIGTERM) == 0, worker.said
    assert get(server.url, "/batch")["batches"] == []


def test_a_job_whose_batch_is_over_is_stopped_and_told(site: Site, examples: Examples) -> None:
    with held_port() as port:
        server = serve(site, port, *SHORT_GRACE)
        worker = examples.start("worker", "--url", server.url)
        long = {"key": "long", "period": 600_000, "payload": {"n": 1}, "max_resends": 0}
        site.submitted.update(post(server.url, "/task", long, 201)["ids"])
        until(lambda: holds(server.url, "long"), "it was held", timeout=60)
        server.stop(signal.SIGKILL)
        serve(site, port, *SHORT_GRACE)
        worker.hear("is over")
        worker.hear("too late: ")
        # It goes on with others, which it could not while the job ran.
        site.submitted.update(
            post(server.url, "/task", {"key": "next", "payload": {"n": 2}}, 201)["ids"]
        )
        until(lambda: "next" in records(server.url, "report"), "it went on", timeout=60)
        assert worker.end(signal.SIGTERM) == 0, worker.said
        [failed] = records(server.url, "fail").values()
        assert [miss["reason"] for miss in failed["misses"]] == ["dropped"]


def test_a_producer_whose_answer_is_lost_submits_nothing_twice(
    site: Site, examples: Examples
) -> None:
    server = site.process("--no-generate")
    msgs = lines([{"key": f"msg {n}", "payload": {"n": n}} for n in range(30)])
    worker = examples.start("worker", "--url", server.url)
    with Door(server.url, loses_first=True) as door:
        producer = examples.start("producer", "--url", door.url, feed=msgs)
        assert producer.end() == 0, producer.said
    assert "not answered" in producer.said
    again = examples.start("producer", "--url", server.url, feed=msgs)
    assert again.end() == 0, again.said
    assert again.printed == producer.printed
    assert len(again.printed) == 30
    site.submitted.update(json.loads(line)["id"] for line in again.printed)
    assert get(server.url, "/stats")["counts"]["submitted"] == 30
    assert worker.end(signal.SIGTERM) == 0, worker.said


def test_what_is_refused_is_said(site: Site, examples: Examples) -> None:
    server = site.process("--no-generate")
    worker = examples.start("worker", "--url", server.url, "--queue", "E-Mail")
    assert worker.end() == 1
    assert "expected names of 1 to 64 of a-z, 0-9" in worker.said
    assert examples.start("producer", "--url").end() == 2
    keyless = lines([{"key": "a", "payload": {"n": 1}}, {"payload": {"n": 2}}])
    producer = examples.start("producer", "--url", server.url, feed=keyless)
    assert producer.end() == 2
    assert "line 2 is " in producer.said
    producer = examples.start("producer", "--url", server.url, feed='{"key":"a","due":1}\n')
    assert producer.end() == 2
    assert "expected a whole number of unix ms" in producer.said
    assert get(server.url, "/stats")["counts"]["submitted"] == 0


def test_a_msg_whose_result_is_refused_fails(site: Site, examples: Examples) -> None:
    server = site.process("--no-generate", "--max-result=12B")
    worker = examples.start("worker", "--url", server.url)
    msgs = [{"key": "large", "payload": {"n": 100}}, {"key": "small", "payload": {"n": 2}}]
    site.submitted.update(post(server.url, "/task", msgs, 201)["ids"])
    until(lambda: "small" in records(server.url, "report"), "it went on", timeout=60)
    [failed] = records(server.url, "fail").values()
    assert (failed["key"], failed["attempts"]) == ("large", 1)
    assert failed["misses"][0]["error"].startswith("the report was refused: {")
    assert worker.end(signal.SIGTERM) == 0, worker.said


def test_the_page_shows_the_workers() -> None:
    """PENA_REWRITE=1 writes them into the page."""
    page = ROOT / PAGE
    text = page.read_text()
    for file in WORKERS:
        mark = f"<!-- examples/{file} -->\n"
        assert mark in text, f"{PAGE} has no {mark}"
        before, after = text.split(mark)
        fence, _, rest = after.partition("\n")
        shown = (FOLDER / file).read_text()
        text = before + mark + fence + "\n" + shown + "```\n" + rest.split("\n```\n", 1)[1]
    if os.environ.get("PENA_REWRITE"):
        page.write_text(text)
    assert text == page.read_text(), f"{PAGE} shows others; PENA_REWRITE=1 writes them anew"
    # What uses the C++ library is in its own page: docs/cpp.md.
    elsewhere = {"node_modules", "cpp"}
    named = {*FOLDER.glob("**/*orker*"), *FOLDER.glob("*/worker/*")}
    files = {path.relative_to(FOLDER) for path in named if path.is_file()}
    assert {str(path) for path in files if not elsewhere & set(path.parts)} == set(WORKERS)


def test_the_page_names_the_producers() -> None:
    text = (ROOT / PAGE).read_text()
    for language in LANGUAGES:
        assert re.search(rf"\(\.\./examples/{language}/producer[./]", text), language
