"""R2 and R3: batches arrive whole, and free clients are served in turn."""

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
