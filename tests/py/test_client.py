"""R11 to R16: the brief's own client and its faults."""

import pena
from pena import EndReason, MissReason
from support.poll import until
from support.ports import held_port
from support.site import LESS_PATIENT, PATIENT, Site


def reported(server: pena.Server, count: int) -> None:
    until(lambda: len(server.report) == count, f"{count} msgs were reported")


def test_a_client_draws_its_batchsize_from_2_to_10(site: Site) -> None:
    server = site.server(generate=False)
    drawn = set()
    for seed in range(40):
        with pena.Client(server.url, seed=seed) as client:
            drawn.add(client.batchsize)
    assert drawn == set(range(2, 11))


def test_a_client_works_and_reports(site: Site) -> None:
    server = site.server(generate=False, **PATIENT)
    ids = site.submit(server.url, 1, 20, 10, 5, 15, 30)
    client = site.client(server.url, batchsize=3, max_batches=2)
    end = client.wait(20)
    assert end is not None
    assert end.reason is EndReason.batches_done
    assert list(server.report) == ids
    assert (client.stats.processed, client.stats.reported, client.stats.batches) == (6, 6, 2)


def test_period_801_to_900_panics_and_is_in_the_report(site: Site) -> None:
    server = site.server(generate=False, **PATIENT)
    ids = site.submit(server.url, 850, 10, 900)
    client = site.client(server.url, batchsize=3)
    reported(server, 3)
    assert client.running
    assert (client.stats.panicked, client.stats.processed) == (2, 1)
    assert all(server.report[id].attempts == 1 for id in ids)


def test_a_panicked_msg_can_be_left_out_and_fails_in_the_end(site: Site) -> None:
    server = site.server(generate=False, **PATIENT)
    panics, works = site.submit(server.url, 30, 10)
    client = site.client(server.url, batchsize=2, panicked="omit", panic_above=20, end_above=1000)
    until(lambda: panics in server.fail, "the msg failed")
    assert client.running
    assert client.stats.panicked == 4
    assert [miss.reason for miss in server.fail[panics].misses] == [MissReason.omitted] * 4
    assert list(server.report) == [works]


def test_period_above_900_ends_the_client_and_is_sent_again_after_the_grace(site: Site) -> None:
    server = site.server(generate=False, **LESS_PATIENT)
    ends, works = site.submit(server.url, 950, 10)
    client = site.client(server.url, batchsize=2)
    end = client.wait(20)
    assert end is not None
    assert (end.reason, end.msg) == (EndReason.period_too_long, ends)
    assert ends in end.text
    assert "950" in end.text
    assert not client.running

    stream = site.stream(server.url, 1)
    for _ in range(1 if works in server.report else 2):
        stream.report(stream.next_batch())
    record = server.report[ends]
    assert [miss.reason for miss in record.misses] == [MissReason.dropped]
    waited = record.misses[0].missed_at - record.misses[0].granted_at
    assert waited.total_seconds() >= LESS_PATIENT["drop_grace"]


def test_a_msg_too_many_is_refused_and_sent_again(site: Site) -> None:
    server = site.server(generate=False, **PATIENT)
    ids = site.submit(server.url, 10, 10, 10)
    client = site.client(server.url, batchsize=3, max_running=1)
    reported(server, 3)
    until(lambda: client.stats.refused == 3, "two were refused, then one")
    misses = [miss.reason for id in ids for miss in server.report[id].misses]
    assert misses == [MissReason.refused] * 3
    assert server.stats.refused == 3


def test_a_client_comes_back_when_the_server_does(site: Site) -> None:
    with held_port() as port:
        settings = {"generate": False, "listen": f"127.0.0.1:{port}", **PATIENT}
        server = site.server(**settings)
        client = site.client(server.url, batchsize=1, backoff_first=0.01, backoff_most=0.05)
        site.submit(server.url, 5)
        reported(server, 1)
        server.stop()
        until(lambda: client.stats.stream_losses >= 1, "the client lost its stream")
        again = site.server(**settings)
        site.submit(again.url, 5)
        reported(again, 2)
        assert client.running


def test_a_client_that_the_server_refuses_ends_with_its_sentence(site: Site) -> None:
    server = site.server(generate=False, limits={"batchsize": 100})
    client = site.client(server.url, batchsize=101)
    end = client.wait(20)
    assert end is not None
    assert end.reason is EndReason.refused
    assert "batchsize" in end.text
