"""R3: batches arrive whole, as many of them as are asked for or made."""

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
