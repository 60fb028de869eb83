"""What a queue tells of msgs that were missed."""

from __future__ import annotations

from typing import Any

import pena
from support.site import TIMES
from support.stream import TaskStream


def test_what_became_of_a_msg_is_told_in_words_where_nobody_says_an_error(kind: Any) -> None:
    """Of a failed msg, of each of its misses, and in its story."""
    with pena.Server(generate=False, **{**TIMES, "lease": 1.0}) as server:
        with kind(server.url, "images") as queue:
            ids = queue.submit(["omitted", "failed", "error", "refused"], max_resends=0)
            stream = TaskStream(server.url, 4, more="&queue=images")
            said = [{"id": ids[1]}, {"id": ids[2], "error": "no width"}]
            stream.report(stream.next_batch(), [], failed=said, refused=[ids[3]])
            ids += queue.submit(["expired"], max_resends=0)
            stream.next_batch()
            stream.read_to_the_end()
            stream.close()
            ids += queue.submit(["dropped"], max_resends=0)
            stream = TaskStream(server.url, 1, more="&queue=images")
            stream.next_batch()
            stream.close()
            waited = queue.wait(ids)
            why = {record.payload: record.why for record in waited.failed}
            assert why == {
                "omitted": "no word of it: its batch was reported without it",
                "failed": "it failed, and its client did not say why",
                "error": "no width",
                "refused": "its client had no room for it",
                "expired": "no report: its lease ran out",
                "dropped": "no report: the stream of its client was lost",
            }
            for record in waited.failed:
                assert [miss.why for miss in record.misses] == [record.why]
                assert [each.why for each in queue.get(id=record.id).deliveries] == [record.why]
