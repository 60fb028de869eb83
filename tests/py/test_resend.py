"""R4 to R7: what is left out of a report is sent again, three times at most."""

from pena import MissReason
from support.poll import until
from support.site import Site
from support.stream import get


def test_what_a_report_leaves_out_goes_to_the_next_free_client(site: Site) -> None:
    server = site.server(generate=False)
    first = site.stream(server.url, 3)
    second = site.stream(server.url, 1)
    a, b, c = site.submit(server.url, 100, 200, 300)
    batch = first.next_batch()
    assert batch.ids == [a, b, c]
    answer = first.report(batch, [a, b])
    counts = {"reported": 2, "duplicate": 0, "unknown": 0, "held": 0}
    assert answer == {"message": "success", **counts}

    resent = second.next_batch()
    assert resent.msgs == [{"id": c, "period": 300, "attempt": 2}]
    second.report(resent)
    assert list(server.report) == [a, b, c]
    record = server.report[c]
    assert [(miss.client, miss.reason) for miss in record.misses] == [
        (first.client, MissReason.omitted)
    ]
    assert (record.client, record.attempts) == (second.client, 2)
    second.expect_nothing()  # R7


def test_three_failed_resends_land_in_fail_and_nowhere_else(site: Site) -> None:
    server = site.server(generate=False)
    stream = site.stream(server.url, 1)
    [id] = site.submit(server.url, 100)
    for attempt in range(1, 5):
        batch = stream.next_batch()
        assert batch.ids == [id]
        assert batch.msgs[0].get("attempt", 1) == attempt
        assert batch.msgs[0].get("last_attempt", False) == (attempt == 4)
        stream.report(batch, [])
    stream.expect_nothing()
    assert get(server.url, "/fail") == {"ids": [id]}
    assert get(server.url, "/report") == {"ids": []}
    assert len(server.fail[id].misses) == 4
    assert server.counts().total == 1


def test_max_resends_is_a_setting(site: Site) -> None:
    server = site.server(generate=False, max_resends=0)
    stream = site.stream(server.url, 1)
    [id] = site.submit(server.url, 100)
    stream.report(stream.next_batch(), [])
    assert list(server.fail) == [id]


def test_what_a_lost_client_held_is_sent_again_after_the_grace(site: Site) -> None:
    server = site.server(generate=False)
    lost = site.stream(server.url, 2)
    a, b = site.submit(server.url, 100, 200)
    lost.next_batch()
    lost.close()
    # They are suspects, and so travel apart.
    stream = site.stream(server.url, 1)
    resent = []
    for _ in range(2):
        batch = stream.next_batch()
        resent += batch.ids
        stream.report(batch)
    assert sorted(resent) == [a, b]
    misses = [miss for record in server.report.values() for miss in record.misses]
    assert [miss.reason for miss in misses] == [MissReason.dropped] * 2
    assert all((m.missed_at - m.granted_at).total_seconds() >= 0.25 for m in misses)


def test_a_lease_that_ends_closes_the_stream(site: Site) -> None:
    server = site.server(generate=False, lease=0.3)
    stream = site.stream(server.url, 1)
    [id] = site.submit(server.url, 100)
    stream.next_batch()
    assert ": bye" in "\n".join(stream.read_to_the_end())
    until(lambda: id in server.queue, "the grace was over")
    server.stop()
    again = site.server(generate=False)  # with a lease that the report surely comes within
    stream = site.stream(again.url, 1)
    stream.report(stream.next_batch())
    assert [miss.reason for miss in again.report[id].misses] == [MissReason.expired]


def test_why_a_msg_failed_is_in_its_record(site: Site) -> None:
    server = site.server(generate=False, retry_first=0)
    stream = site.stream(server.url, 2)
    a, b = site.submit(server.url, 5, 6)
    batch = stream.next_batch()
    stream.report(batch, [a], failed=[{"id": b, "error": "no room on the disk"}])
    stream.report(stream.next_batch())
    assert [(m.reason, m.error) for m in server.report[b].misses] == [
        (MissReason.failed, "no room on the disk")
    ]
