"""The client's SSE parser, reached from Python: the facts of the web platform's format tests."""

from __future__ import annotations

import pytest

from pena import sse

# What a stream is, and the (type, data, id) that it dispatches.
VECTORS = {
    "bom": (b"\xef\xbb\xbfdata:1\n\ndata:2\n\n", [("message", "1", ""), ("message", "2", "")]),
    "second bom is none": (b"\xef\xbb\xbf\xef\xbb\xbfdata:1\n\ndata:2\n\n", [("message", "2", "")]),
    "comments": (
        b"data:1\r:\0\n:\r\ndata:2\n:" + b"x" * 2049 + b"\rdata:3\n:data:fail\r:x\ndata:4\n\n",
        [("message", "1\n2\n3\n4", "")],
    ),
    "data before an empty line only": (b"data:", []),
    "empty data": (b"data:\n\ndata\ndata\n\ndata:test\n\n", ["", "\n", "test"]),
    "one space is taken off": (b"data:  two\n\n", [("message", " two", "")]),
    "a tab is data": (b"data:\ttest\rdata: \ndata:test\n\n", [("message", "\ttest\n\ntest", "")]),
    "unknown fields": (
        b"data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacomment\n\n",
        ["test\n"],
    ),
    "leading space is a field": (b" data:x\n\n", []),
    "nul in data": (b"data:\0\n\n", ["\0"]),
    "utf-8": ("data:ok…\n\n".encode(), ["ok…"]),
    "not utf-8": (b"data:\xff\n\n", ["\ufffd"]),
    "event type": (b"event:test\ndata:x\n\ndata:x\n\n", [("test", "x", ""), ("message", "x", "")]),
    "empty event type": (b"event: \ndata:data\n\n", [("message", "data", "")]),
    "id stays": (b"id:1\ndata:a\n\ndata:b\n\n", [("message", "a", "1"), ("message", "b", "1")]),
    "id is reset": (
        b"id:1\ndata:a\n\nid\ndata:b\n\n",
        [("message", "a", "1"), ("message", "b", "")],
    ),
    "id with nul": (b"id:1\0\ndata:a\n\n", [("message", "a", "")]),
    "line ends": (b"data:test\r\n\rdata:test\n\r\n", ["test", "test"]),
    "end without an empty line": (b"data:test\n\ndata:cut", ["test"]),
}


def events(items: list[sse.Item]) -> list[tuple[str, str, str]]:
    return [(item.type, item.data, item.id) for item in items if isinstance(item, sse.Event)]


@pytest.mark.parametrize("name", VECTORS)
def test_vector_whole_and_at_every_split(name: str) -> None:
    stream, told = VECTORS[name]
    expected = [one if isinstance(one, tuple) else ("message", one, "") for one in told]
    assert events(sse.parse(stream)) == expected
    byte_by_byte = sse.Parser()
    pieces = [byte_by_byte.feed(stream[at : at + 1]) for at in range(len(stream))]
    assert events([item for piece in pieces for item in piece]) == expected
    for split in range(len(stream)):
        parser = sse.Parser()
        assert events(parser.feed(stream[:split]) + parser.feed(stream[split:])) == expected


def test_retry_takes_digits_only() -> None:
    items = sse.parse(b"retry:3000\nretry:1000x\nretry: 5\n\n")
    assert items == [sse.Retry(3000), sse.Retry(5)]


def test_comments_are_told() -> None:
    assert sse.parse(b": at=7\n") == [sse.Comment(" at=7")]


def test_a_line_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        sse.Parser(max_bytes=100).feed(b"data:" + b"x" * 200)
