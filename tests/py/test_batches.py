"""R2 and R3: batches arrive whole, and free clients are served in turn."""

from support.poll import until
from support.site import Site


def test_a_generating_server_fills_every_batch(site: Site) -> None:
    server = site.server()
    for batchsize in (2, 5, 10):
        stream = site.stream(server.url, batchsize)
        for _ in range(3):
            batch = stream.next_batch()
            assert len(batch.msgs) == batchsize
            assert all(1 <= msg["period"] <= 1000 for msg in batch.msgs)
            assert stream.report(batch)["reported"] == batchsize


def test_the_client_that_has_been_free_longest_is_next(site: Site) -> None:
    server = site.server(generate=False)
    first, second, third = (site.stream(server.url, 2) for _ in range(3))

    a = site.submit(server.url, 1, 2)
    batch = first.next_batch()
    assert batch.ids == a
    b = site.submit(server.url, 3, 4)
    assert second.next_batch().ids == b

    # It is free again, and behind the third, which has been free all the time.
    first.report(batch)
    c = site.submit(server.url, 5, 6)
    assert third.next_batch().ids == c
    d = site.submit(server.url, 7, 8)
    assert first.next_batch().ids == d


def test_a_busy_client_is_sent_nothing(site: Site) -> None:
    server = site.server()
    stream = site.stream(server.url, 3)
    batch = stream.next_batch()
    stream.expect_nothing()
    stream.report(batch)
    assert stream.next_batch().batch != batch.batch


def test_submitted_work_that_fills_no_batch_goes_out_after_the_linger(site: Site) -> None:
    server = site.server(generate=False)
    stream = site.stream(server.url, 10)
    ids = site.submit(server.url, 1, 2, 3)
    assert stream.next_batch().ids == ids


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


def test_who_waits_for_a_rate_holds_nobody_back(site: Site) -> None:
    server = site.server(rate=0.001)
    site.stream(server.url, 1000)
    second = site.stream(server.url, 1)
    ids = site.submit(server.url, 1, 2)
    # Each of the two is sent one of them, in whichever order the server took notice of them.
    assert second.next_batch().ids[0] in ids
    until(lambda: server.stats.held == 2, "both are held")
    assert server.stats.clients_busy == 2


def test_what_a_full_queue_has_goes_out_though_more_could_be_generated(site: Site) -> None:
    server = site.server(count=100, limits={"queue_msgs": 5})
    ids = site.submit(server.url, 1, 2, 3, 4, 5)
    batch = site.stream(server.url, 10).next_batch()
    assert batch.ids == ids
