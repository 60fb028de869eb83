"""What a queue asks of its server, step by step, until it is answered or the patience is over.

A plan is a generator: it yields what is to be done next, a `Request` or a `Pause`, and is sent what
came of it. `Queue` does the steps in the thread that calls, `AsyncQueue` without blocking its loop;
the plans are the same.
"""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from pena.errors import PenaError, RefusedError, UnavailableError

_log = logging.getLogger("pena.queue")
_T = TypeVar("_T")

_FIRST_WAIT = 0.1  # seconds; the next is twice as long
_LONGEST_WAIT = 5.0
_LONGEST_RETRY_AFTER = 30.0
_LEAST_TIMEOUT = 1.0  # of a request, however soon the caller wants to go on
_FIRST_POLL, _LONGEST_POLL = 0.02, 0.5
_SHOWN = 200  # bytes of an answer that is not Pena's
_LONGEST_SENTENCE = 500  # characters; those of Pena are shorter
MOST_RECORDS = 1000  # of a page
# What reading an answer raises that is none of Pena's, for parts of it may be missing, or anything.
_UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True)
class Request:
    """One request. `timeout` is in seconds, for each wait on the socket; a queue's goes before."""

    method: str
    target: str
    body: bytes | None = None
    timeout: float = 30.0


@dataclass(frozen=True)
class Pause:
    """So many seconds in which nothing is asked."""

    seconds: float


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    again: bool = False
    """Whether the request was sent before, without an answer that says what became of it."""

    @property
    def for_later(self) -> bool:
        """Whether the same request may be answered otherwise later."""
        return self.is_not_taken or self.status >= 500

    @property
    def is_not_taken(self) -> bool:
        """Whether nothing came of the request.

        503 does not say that: a server that ends answers so what its disk may have, and a proxy
        what it has handed on.
        """
        return self.status in (408, 425, 429)

    @property
    def sentence(self) -> str:
        """What is wrong: the server's sentence in one line, or what else it said."""
        error = self._error
        return self._not_of_pena() if error is None else _in_one_line(error)

    @property
    def _error(self) -> str | None:
        try:
            error = json.loads(self.body)["error"]
        except _UNREADABLE:
            return None
        return error if isinstance(error, str) else None

    @property
    def is_unknown(self) -> bool:
        """Whether a Pena server says that it knows no such msg: others say 404, too."""
        return self.status == 404 and self._error is not None

    def told(self, read: Callable[[dict[str, Any]], _T]) -> _T:
        """Return what `read` makes of a good answer.

        RefusedError for another one, and for one that `read` cannot read.
        """
        if self.status not in (200, 201):
            raise RefusedError(f"{self.status}: {self.sentence}", status=self.status)
        try:
            said = json.loads(self.body)
            if not isinstance(said, dict):
                raise TypeError("it is no object")
            return read(said)
        except _UNREADABLE as error:
            text = f"{self.status}: {self._not_of_pena(error)}"
            raise RefusedError(text, status=self.status) from error

    def _not_of_pena(self, error: Exception | None = None) -> str:
        text = (
            f"{self.body[:_SHOWN].decode(errors='replace')!r}; expected the answer of a Pena server"
        )
        if error is None:
            return text
        why = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        return f"{text}, and {_in_one_line(why)}"


@dataclass(frozen=True)
class Lost:
    """There is no answer."""

    why: str
    sent: bool = True
    """Whether the server may have got the request."""
    ended: bool = False
    """Whether the server, or what is between, ended the connection."""
    closed: bool = False
    """Whether it is because the queue was closed."""


Step = Request | Pause
Plan = Generator[Step, Any, _T]
"""Yields steps: a Request is answered by an Answer or Lost, a Pause by None. Returns a _T."""


class Poll:
    """The waits of whoever asks again and again: longer each time that nothing comes."""

    def __init__(self) -> None:
        """Begin with the shortest."""
        self._seconds = _FIRST_POLL

    def has_come(self) -> None:
        """Begin anew."""
        self._seconds = _FIRST_POLL

    def pause(self, until: float | None = None) -> Plan[None]:
        """Wait, no longer than `until` on the monotonic clock."""
        left = self._seconds if until is None else min(self._seconds, until - time.monotonic())
        yield Pause(max(left, 0.0))
        self._seconds = min(2 * self._seconds, _LONGEST_POLL)


class TimeUpError(PenaError):
    """The time that a caller wants to wait is over, and the server is away."""


class Asking:
    """Asks one server, again where it is away, and says so in the log once."""

    def __init__(self, url: str, patience: float | None, timeout: float | None) -> None:
        """Seconds: a patience of None has no end, a timeout of None is that of each request."""
        self.url = url
        self._patience = patience
        self._timeout = timeout
        self._trouble = ""  # what was said of it, until it is over
        self._small_pages = False  # whether the server refuses a limit that others take

    def told(
        self,
        request: Request,
        read: Callable[[dict[str, Any]], _T],
        *,
        until: float | None = None,
    ) -> Plan[_T]:
        """Ask, and return what `read` makes of a good answer."""
        answer = yield from self.ask(request, until=until)
        return answer.told(read)

    def page(
        self,
        target: str,
        most: int,
        read: Callable[[dict[str, Any]], _T],
        *,
        until: float | None = None,
    ) -> Plan[_T]:
        """Read a page of `most` records at most, or of fewer where the server allows no more."""
        if not self._small_pages:
            answer = yield from self.ask(Request("GET", f"{target}&limit={most}"), until=until)
            if answer.status != 400 or not answer.sentence.startswith("limit is "):
                return answer.told(read)
            self._small_pages = True
        return (yield from self.told(Request("GET", target), read, until=until))

    def ask(self, request: Request, *, until: float | None = None) -> Plan[Answer]:
        """Ask until there is an answer that is for good.

        Raises UnavailableError when the patience is over, and TimeUpError where nobody answers and
        `until`, on the monotonic clock, has come.
        """
        began: float | None = None  # of the trouble
        # What is known at another try may be known by the one before, whatever that was answered.
        wait, again, taken = _FIRST_WAIT, False, False
        while True:
            got: Answer | Lost = yield replace(request, timeout=self._timeout_of(request, until))
            now = time.monotonic()
            if isinstance(got, Answer) and not got.for_later:
                self._over()
                return replace(got, again=got.again or again)
            again = again or isinstance(got, Answer) or got.sent
            taken = taken or (not got.is_not_taken if isinstance(got, Answer) else got.sent)
            if began is None:
                began = now
            self._go_on_or_raise(got, now - began, taken)
            if until is not None and now >= until:
                raise TimeUpError(f"{self.url} does not answer: {_why(got)}")
            self._say(got)
            ends = [end for end in (until, self._end(began)) if end is not None]
            pause = retry_after(got) + wait * random.random()  # noqa: S311 (nobody has to guess it)
            yield Pause(max(min([pause, *(end - now for end in ends)]), 0.0))
            wait = min(2 * wait, _LONGEST_WAIT)

    def _timeout_of(self, request: Request, until: float | None) -> float:
        timeout = request.timeout if self._timeout is None else self._timeout
        if until is None:
            return timeout
        return min(timeout, max(until - time.monotonic(), _LEAST_TIMEOUT))

    def _end(self, began: float) -> float | None:
        return None if self._patience is None else began + self._patience

    def _go_on_or_raise(self, got: Answer | Lost, tried: float, taken: bool) -> None:
        text = ""
        if isinstance(got, Lost) and got.closed:
            text = f"the queue was closed before {self.url} had answered"
        elif self._patience is not None and tried >= self._patience:
            text = f"{self.url} does not take it: {_why(got)}; tried for {self._patience:g} s"
        if text:
            raise UnavailableError(text, sent=taken)

    def _say(self, got: Answer | Lost) -> None:
        # The numbers in a sentence change from try to try; the trouble is the same.
        trouble = got.why if isinstance(got, Lost) else str(got.status)
        if self._trouble != trouble:
            self._trouble = trouble
            how_long = "" if self._patience is None else f" for {self._patience:g} s at most"
            _log.warning("%s: %s; trying again%s", self.url, _why(got), how_long)

    def _over(self) -> None:
        if self._trouble:
            self._trouble = ""
            _log.info("%s answers again", self.url)


def _in_one_line(sentence: str) -> str:
    """Cut it, and escape what would do something to a terminal or a log."""
    if len(sentence) > _LONGEST_SENTENCE:
        sentence = sentence[: _LONGEST_SENTENCE - 1] + "…"
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in sentence)


def _why(got: Answer | Lost) -> str:
    return got.why if isinstance(got, Lost) else f"{got.status}: {got.sentence}"


def retry_after(got: Answer | Lost) -> float:
    """Return the seconds that an answer asks for, as far as they are honoured."""
    text = "" if isinstance(got, Lost) else got.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_RETRY_AFTER)
    try:
        # By the server's clock alone: a date of ours may be of another one.
        now = "" if isinstance(got, Lost) else got.headers.get("date", "")
        seconds = (parsedate_to_datetime(text) - parsedate_to_datetime(now)).total_seconds()
    except (OverflowError, TypeError, ValueError):  # neither a number nor two dates
        return 0.0
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER)
