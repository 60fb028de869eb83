"""The ids of msgs, batches and clients: 20 characters that sort by time."""

from __future__ import annotations

import base64
import os
import re
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timezone

from pena import _pena

XID_EXPECTED = "20 characters of 0-9 and a-v, the last of them 0 or g"
_FORM = re.compile(r"[0-9a-v]{19}[0g]")
_COUNTERS = 2**24  # ids of one second: the counter has three bytes


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


def make_xid() -> str:
    """Make an id that no other call in this process returns, whatever its clock does.

    A later one is higher. A forked child makes others than its parent, and any other process, but
    for one chance in 2^40, too: `Queue.submit` finds out where that happens.
    """
    return _maker.make()


class Maker:
    """Makes ids. As machine and process they have 5 bytes that were drawn for this one."""

    def __init__(self) -> None:
        """Draw them."""
        self._lock = threading.Lock()
        self._second = 0
        self._counter = 0
        self._own = b""
        self.draw()

    def draw(self) -> None:
        """Draw machine and process anew: some other process has drawn the same."""
        self._own = os.urandom(5)

    def make(self) -> str:
        """Make the next id."""
        with self._lock:
            # A clock that is set back changes nothing, and a second whose ids are used up lends
            # from the next.
            now = int(time.time())
            if now > self._second:
                self._second, self._counter = now, 0
            elif self._counter == _COUNTERS:
                self._second, self._counter = self._second + 1, 0
            counter = self._counter
            self._counter += 1
            own = self._own
            second = self._second
        return text_of(second.to_bytes(4, "big") + own + counter.to_bytes(3, "big"))


def draw_anew() -> None:
    """Have the ids of this process begin otherwise, for another one's are the same."""
    _maker.draw()


def text_of(raw: bytes) -> str:
    """Write the 12 bytes of an id as its 20 characters."""
    return base64.b32hexencode(raw)[:20].decode().lower()


def is_xid(text: object) -> bool:
    """Whether it has the form of an id."""
    return isinstance(text, str) and _FORM.fullmatch(text) is not None


def one_before(text: str) -> str:
    """Return the id just below, or the same where it is the lowest."""
    number = int.from_bytes(base64.b32hexdecode(text.upper() + "===="), "big")
    return text_of(max(number - 1, 0).to_bytes(12, "big"))


_maker = Maker()


def _begin_anew() -> None:
    """In a forked child: ids of its own, and a lock that no thread of the parent has."""
    global _maker
    _maker = Maker()


os.register_at_fork(after_in_child=_begin_anew)
