"""`pena bench`: what it measures is what the server did."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

import pena
from support import law
from support.process import run
from support.site import Site

Result = dict[str, Any]


def bench(
    site: Site,
    server: pena.Server,
    *options: str,
    ms: int = 300,
    enough: Callable[[Result], bool] = lambda _: True,
) -> Result:
    """Put a server under load for a moment, stop it, and return what was measured.

    A disk may hang for the whole moment: until it is `enough`, another one is twice as long.
    """
    result: Result = {}
    while not result or (not enough(result) and ms < 8000):
        load = ("--url", server.url, "--duration", f"{ms}ms", "--warmup", "50ms", "--json")
        ran = run("pena", "bench", *load, *options)
        assert (ran.returncode, ran.stderr) == (0, ""), ran.stderr
        (line,) = ran.stdout.splitlines()
        result = json.loads(line)
        ms *= 2
    # What the load had still on its way when it ended may come in after it.
    server.stop()
    with pena.Store(site.store) as store:  # what was submitted is not told, so all that is there
        site.submitted.update(id for _, id in law.where_all_are(store))
    return result


def reports(result: Result) -> bool:
    return bool(result["msgs"] and result["answers"]["samples"])


def held(site: Site) -> int:
    with pena.Store(site.store) as store:
        return store.counts().batch


def in_report(site: Site) -> int:
    with pena.Store(site.store) as store:
        return len(store.report)


def test_what_is_generated_is_reported(site: Site) -> None:
    server = site.server(lease=20.0)
    result = bench(site, server, "--workers", "3", "--batchsize", "7", enough=reports)
    assert 0 < result["msgs"] <= in_report(site)
    assert held(site) == 0  # the load leaves nothing behind that would have to be sent again
    site.submitted.clear()
    assert result["msgs_per_s"] * result["seconds"] == pytest.approx(result["msgs"])
    assert result["repeated"] == 0
    assert result["answers"]["samples"] > 0
    assert result["waits"] is None


def test_what_is_submitted_is_reported(site: Site) -> None:
    server = site.server(generate=False, lease=20.0)
    load = ("--work", "submitted", "--workers", "3", "--batchsize", "7")
    result = bench(site, server, *load, enough=reports)
    assert 0 < result["msgs"] <= in_report(site)
    assert held(site) == 0


@pytest.mark.parametrize(("payload", "shapes"), [("compact", 1), ("spaced", 1), ("mixed", 5)])
def test_what_is_submitted_may_carry_payloads(site: Site, payload: str, shapes: int) -> None:
    server = site.server(generate=False)
    load = ("--work=idle", "--workers=0", "--backlog=10", f"--payload={payload}")
    assert bench(site, server, *load)["msgs"] == 0
    with pena.Store(site.store) as store:
        payloads = [repr(msg.payload) for msg in store.queue.values()]
    assert len(payloads) == 10
    assert "None" not in payloads
    assert len(set(payloads)) == shapes


def test_the_open_loop_keeps_to_its_rate(site: Site) -> None:
    server = site.server(generate=False, lease=20.0)
    paced = ("--work=submitted", "--workers=3", "--batchsize=2", "--rate=200")
    result = bench(site, server, *paced, ms=1000, enough=lambda it: it["waits"]["samples"] > 0)
    # No more can be delivered than was due.
    assert 0 < result["waits"]["samples"] <= 210 * result["seconds"]
    assert 0 < result["waits"]["p50_ms"] <= result["waits"]["p99_ms"] <= result["waits"]["max_ms"]


def test_a_backlog_waits_in_the_queue(site: Site) -> None:
    server = site.server(generate=False)
    result = bench(site, server, "--work=idle", "--workers=0", "--backlog=12345")
    assert result["msgs"] == 0
    with pena.Store(site.store) as store:
        assert len(store.queue) == 12345


def test_idle_streams_hear_heartbeats(site: Site) -> None:
    server = site.server(generate=False)
    load = ("--work=idle", "--workers=4")
    result = bench(site, server, *load, enough=lambda it: it["heartbeats"] > 0)
    assert result["heartbeats"] > 0


def test_what_goes_wrong_is_said(site: Site) -> None:
    nobody = run("pena", "bench", "--url", "http://127.0.0.1:1")
    assert nobody.returncode == 1
    assert "cannot connect to 127.0.0.1:1" in nobody.stderr
    server = site.server()
    refused = run("pena", "bench", "--url", server.url, "--batchsize", "10001")
    assert refused.returncode == 1
    assert "the server refused a stream" in refused.stderr
    assert "batchsize" in refused.stderr
