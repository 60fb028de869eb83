"""The ids of messages, batches and clients: 20 characters that sort by time."""

from dataclasses import dataclass
from datetime import datetime, timezone

from pena import _pena


@dataclass(frozen=True)
class Xid:
    """What an id is made of, in the layout of github.com/rs/xid."""

    text: str
    time: datetime
    machine: bytes
    process: int
    counter: int


def parse_xid(text: str) -> Xid:
    """Take an id apart.

    Raises ValueError for a text that is none: a wrong length, a character outside 0-9 and a-v, or
    a last character whose unused bits are not zero.
    """
    seconds, machine, process, counter = _pena.xid_parts(text)
    return Xid(text, datetime.fromtimestamp(seconds, timezone.utc), machine, process, counter)
