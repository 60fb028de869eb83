r"""The client's parser of Server-Sent Events, for tests of other SSE code against the same bytes.

>>> from pena import sse
>>> sse.parse(b": at=1700000000000\nid: 7\ndata: hello\n\n")
[Comment(text=' at=1700000000000'), Event(type='message', data='hello', id='7')]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pena import _pena

__all__ = ["Comment", "Event", "Item", "Parser", "Retry", "parse"]


@dataclass(frozen=True)
class Event:
    """An event that was dispatched. Bytes that are no UTF-8 are replaced by U+FFFD."""

    type: str
    data: str
    id: str


@dataclass(frozen=True)
class Comment:
    """A line that begins with a colon: what stands behind it."""

    text: str


@dataclass(frozen=True)
class Retry:
    """The reconnection time that the stream asks for, in milliseconds."""

    ms: int


Item = Event | Comment | Retry


def _text(raw: Any) -> str:
    return bytes(raw).decode("utf-8", "replace")


class Parser:
    """Takes the bytes of one stream in pieces of any size. One thread at a time."""

    def __init__(self, max_bytes: int = 16 * 1024 * 1024) -> None:
        """`max_bytes`: the longest line and the longest event that are taken."""
        self._native = _pena.SseParser(max_bytes)

    def feed(self, piece: bytes) -> list[Item]:
        """Return what is complete with this piece, in order.

        Raises ValueError where a line or an event is too long: the stream is not to be read on.
        """
        items: list[Item] = []
        for kind, *values in self._native.feed(piece):
            if kind == "event":
                items.append(Event(*map(_text, values)))
            elif kind == "comment":
                items.append(Comment(_text(values[0])))
            else:
                items.append(Retry(values[0]))
        return items


def parse(stream: bytes) -> list[Item]:
    """Return all that a whole stream says. What is not ended by an empty line is no event."""
    return Parser().feed(stream)
