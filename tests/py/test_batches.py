"""R3: batches arrive whole, as many of them as are asked for or made."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

from support.site import Site
from support.stream import TIMEOUT, TaskStream


def test_a_generating_server_fills_every_batch(site: Site) -> None:
    server = site.server()
    for batchsize in (2, 5, 10):
        stream = site.stream(server.url, batchsize)
        for _ in range(3):
            batch = stream.next_batch()
            assert len(batch.msgs) == batchsize
            assert all(1 <= msg["period"] <= 1000 for msg in batch.msgs)
            assert stream.report(batch)["reported"] == batchsize


def test_the_tail_of_a_count_goes_out(site: Site) -> None:
    server = site.server(count=7)
    stream = site.stream(server.url, 5)
    sizes = []
    for _ in range(2):
        batch = stream.next_batch()
        sizes.append(len(batch.msgs))
        stream.report(batch)
    assert sizes == [5, 2]
    stream.expect_nothing()
    assert not server.stats.generating


def test_workers_that_take_one_batch_and_go_cost_no_attempt(site: Site) -> None:
    server = site.server(generate=False, max_resends=0)
    site.submit(server.url, *range(1, 17))
    for worker in range(16):
        by_query = worker % 2 == 0
        stream = site.stream(server.url, 1, more="&batches=1" if by_query else "")
        batch = stream.next_batch()
        assert stream.report(batch, **({} if by_query else {"last": True}))["reported"] == 1
        assert ": bye all batches are settled" in stream.read_to_the_end(well=True)
    stats = server.stats
    assert (stats.reported, stats.sent, stats.failed, stats.dropped) == (16, 16, 0, 0)
    assert (stats.clients_lost, stats.clients_free, stats.clients_busy) == (0, 0, 0)


def test_a_worker_that_takes_no_more_leaves_with_what_it_holds(site: Site) -> None:
    server = site.server(generate=False, max_resends=0)
    free = site.stream(server.url, 2)
    assert free.leave() == 0
    assert ": bye the client takes no more" in free.read_to_the_end(well=True)

    busy = site.stream(server.url, 2)
    ids = site.submit(server.url, 1, 2)
    batch = busy.next_batch()
    assert (batch.ids, busy.leave()) == (ids, 2)
    site.submit(server.url, 3)  # for somebody else
    assert busy.report(batch)["reported"] == 2
    lines = busy.read_to_the_end(well=True)
    assert ": bye all batches are settled" in lines
    assert not any("batch=" in line for line in lines)
    assert busy.leave() == 0  # it is gone
    stats = server.stats
    assert (stats.sent, stats.clients_lost, stats.clients_free) == (2, 0, 0)
    assert server.counts().queue == 1


def test_who_leaves_while_somebody_submits_costs_no_msg_an_attempt(site: Site) -> None:
    server = site.server(generate=False, max_resends=0)
    rounds = 300
    both = Barrier(2, timeout=TIMEOUT)

    def submit() -> None:
        for _ in range(rounds):
            both.wait()
            site.submit(server.url, 1)

    def take(stream: TaskStream) -> None:
        assert stream.report(stream.next_batch())["reported"] == 1

    with ThreadPoolExecutor(1) as pool:
        submitting = pool.submit(submit)
        for _ in range(rounds):
            with closing(TaskStream(server.url, 1)) as stream:
                both.wait()
                held = stream.leave()
                if held:
                    take(stream)
                assert not any("batch=" in line for line in stream.read_to_the_end(well=True))
            if not held:  # the next one is to wait for a msg, too
                with closing(TaskStream(server.url, 1, more="&batches=1")) as other:
                    take(other)
        submitting.result()
    stats = server.stats
    assert (stats.sent, stats.reported, stats.clients_lost) == (rounds, rounds, 0)
    assert (stats.dropped, stats.failed) == (0, 0)
