"""What a handler calls is away for a while: no msg fails for that alone."""

from __future__ import annotations

import time

import pytest

from support.site import Site
from support.stream import get, post

OUTAGE = 20.0  # s


class Target:
    """What the handler of a msg calls, such as a mail server."""

    def __init__(self) -> None:
        self._back_at = 0.0

    def go_away(self, seconds: float) -> None:
        self._back_at = time.monotonic() + seconds

    def takes(self) -> bool:
        return time.monotonic() >= self._back_at


@pytest.mark.long
def test_an_outage_of_20_s_fails_no_msg_with_the_settings_as_they_come(site: Site) -> None:
    server = site.process("--no-generate", quick=False)
    stream = site.stream(server.url, 10)
    target = Target()
    target.go_away(OUTAGE)  # before the first attempt, so the last has the whole of it behind
    msgs = [{"delay": delay} for delay in range(0, int(OUTAGE * 1000), 500)]
    ids = post(server.url, "/task", msgs, 201)["ids"]
    site.submitted.update(ids)
    left = set(ids)
    while left:
        batch = stream.next_batch()
        done = [id for id in batch.ids if target.takes()]
        refused = [{"id": id, "error": "refused"} for id in batch.ids if id not in done]
        stream.report(batch, done, failed=refused)
        left -= set(done)
        assert get(server.url, "/fail") == {"ids": []}
    records = get(server.url, "/report?records=1")["records"]
    assert [record["id"] for record in records] == ids
    reasons = {miss["reason"] for record in records for miss in record["misses"]}
    assert reasons == {"failed"}  # they did meet the outage, and nothing else
