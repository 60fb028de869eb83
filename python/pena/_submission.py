"""Submitting: payloads become requests, and requests ids."""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from pena._asking import Asking, Plan, Request
from pena._json_answers import accepted
from pena._settings import has_bytes, shown
from pena.errors import PayloadError, RefusedError, RequestError, UnavailableError
from pena.xid import XID_EXPECTED, draw_anew, is_xid, make_xid

# Of one request. A server takes 8 MiB and 100,000 msgs unless it is told otherwise.
_MOST_BYTES = 1024 * 1024
_MOST_MSGS = 1000
_MOST_COLLISIONS = 16  # in a row; a server that knows each id that is made is none

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


@dataclass
class Item:
    """A msg on its way."""

    place: int
    id: str
    """Empty where the server is to make it: the key is what makes the msg one."""
    made: bool
    """Whether the id was made here, and may be another as long as the msg is not accepted."""
    rest: str
    """Its JSON without id and without the first brace."""
    accepted: bool = False

    @property
    def size(self) -> int:
        """It has at most so many bytes."""
        return 4 * len(self.rest) + 64 if not self.rest.isascii() else len(self.rest) + 64

    @property
    def json(self) -> str:
        """As it is sent."""
        return f'{{"id":"{self.id}",{self.rest}' if self.id else f"{{{self.rest}"


class _UnfitError(Exception):
    """A payload that cannot be sent. It is told once those before it are submitted."""


class Submission:
    """Takes payloads one by one, and submits them in requests.

    Where the server refuses a request it is halved, until the payload that it refuses is alone: so
    those before it are accepted, those behind it are not, and the error can name it. So it is, too,
    where a request has one key twice, which is right in two requests.
    """

    def __init__(
        self,
        asking: Asking,
        queue: str,
        options: Mapping[str, int],
        *,
        key: Callable[[Any], str] | None = None,
        id: Callable[[Any], str] | None = None,
        single: bool = False,
    ) -> None:
        """`options` are keys of a msg, for all of them; `single`: places are not told."""
        self._asking = asking
        self._target = f"/task?queue={queue}"
        self._options = "".join(f',"{name}":{value}' for name, value in options.items())
        self._key, self._id, self._single = key, id, single
        self._place = 0
        self._items: list[Item] = []
        self._bytes = 0
        self._most_bytes, self._most_msgs = _MOST_BYTES, _MOST_MSGS
        self.ids: list[str] = []
        """Of what is accepted."""

    def plans(self, payloads: Iterable[Any]) -> Iterator[Plan[None]]:
        """Read payloads, and yield what is to be done, one after the other."""
        wrong: Exception | None = None
        try:
            for payload in payloads:
                if full := self._add(payload):
                    yield self._send(full)
        except Exception as error:
            wrong = error
        yield self._end(wrong)

    async def plans_of_either(
        self, payloads: Iterable[Any] | AsyncIterable[Any]
    ) -> AsyncIterator[Plan[None]]:
        """Do the same, and read what is asynchronous, too."""
        if not isinstance(payloads, AsyncIterable):
            for plan in self.plans(payloads):
                yield plan
            return
        wrong: Exception | None = None
        try:
            async for payload in payloads:
                if full := self._add(payload):
                    yield self._send(full)
        except Exception as error:
            wrong = error
        yield self._end(wrong)

    def _end(self, wrong: Exception | None) -> Plan[None]:
        """Submit what is left, and then raise what ended the payloads.

        So all before that place is submitted, and whoever goes on from there leaves none out.
        """
        try:
            if rest := self._rest():
                yield from self._send(rest)
        except RequestError as error:
            raise error from wrong
        if isinstance(wrong, _UnfitError):
            place = None if self._single else self._place
            text = _about(place, str(wrong), self.ids)
            raise PayloadError(text, submitted=self.ids, place=place) from wrong.__cause__
        if wrong is not None:
            raise wrong

    def _add(self, payload: Any) -> list[Item]:
        """Take a payload. Returns what is to be sent before it, if that is a full request."""
        item = self._item(payload)
        self._place += 1
        full = self._items and (
            self._bytes + item.size > self._most_bytes or len(self._items) >= self._most_msgs
        )
        before = self._rest() if full else []
        self._items.append(item)
        self._bytes += item.size
        return before

    def _rest(self) -> list[Item]:
        """Take what is left to be sent."""
        items, self._items, self._bytes = self._items, [], 0
        return items

    def _item(self, payload: Any) -> Item:
        text = self._json_of(payload)
        key = "" if self._key is None else self._key(payload)
        if self._key is not None and not (key and has_bytes(key)):
            raise _UnfitError(f"has the key {shown(key)}; expected text that is not empty")
        id = "" if self._id is None else self._id(payload)
        if self._id is not None and not is_xid(id):
            raise _UnfitError(f"has the id {shown(id)}; expected {XID_EXPECTED}")
        made = not id and not key
        rest = f'"payload":{text}{self._options}' + (f',"key":{_encode(key)}}}' if key else "}")
        return Item(self._place, make_xid() if made else id, made, rest)

    def _json_of(self, payload: Any) -> str:
        try:
            text = _encode(payload)
            text.encode()  # half of a surrogate pair has no bytes
            _expect_text_keys(payload)
        except (TypeError, ValueError, RecursionError) as error:
            raise _UnfitError(
                f"{shown(payload)} is no JSON: {error}; expected what json.dumps takes, with text "
                "as keys and finite numbers"
            ) from error
        return text

    def _send(self, items: list[Item]) -> Plan[None]:
        """Submit these, and keep their ids."""
        try:
            yield from self._send_pieces(items, 0)
        except (RefusedError, UnavailableError) as error:
            before = list(takewhile(lambda item: item.accepted, items))
            left = items[len(before) :]
            submitted = [*self.ids, *(item.id for item in before)]
            place = None if self._single else left[0].place
            if isinstance(error, RefusedError):
                # An answer that says yes and cannot be read: nobody knows what was taken.
                taken = [item.id for item in left if item.id and error.status < 300]
                raise RefusedError(
                    _about(place, f"is refused: {error}", submitted),
                    status=error.status,
                    submitted=submitted,
                    unsure=taken,
                    place=place,
                ) from None
            unsure = [item.id for item in left if item.id and (error.sent or item.accepted)]
            raise UnavailableError(
                _about(place, f"is not accepted: {error}", submitted),
                sent=error.sent,
                submitted=submitted,
                unsure=unsure,
                place=place,
            ) from None
        self.ids += [item.id for item in items]

    def _send_pieces(self, items: list[Item], collisions: int) -> Plan[None]:
        body = f"[{','.join(item.json for item in items)}]".encode()
        answer = yield from self._asking.ask(Request("POST", self._target, body))
        if len(items) > 1 and answer.status in (400, 409, 413):
            if answer.status == 413:
                self._most_bytes = min(self._most_bytes, len(body) // 2)
                self._most_msgs = min(self._most_msgs, len(items) // 2)
            half = len(items) // 2
            yield from self._send_pieces(items[:half], collisions)
            yield from self._send_pieces(items[half:], collisions)
            return
        if items[0].made and answer.status in (400, 409) and items[0].id in answer.sentence:
            # It is about the id, which was made here: somebody else makes the same ones.
            known, left = [items[0].id], items
        else:
            given = answer.told(lambda said: accepted(said, len(items)))
            known, left = given.known, []
            # Where an earlier try may have been done, ids are known by that.
            taken = set() if answer.again else set(known)
            for item, id in zip(items, given.ids, strict=True):
                if item.made and id in taken:
                    left.append(item)
                else:
                    item.id, item.accepted = id, True
        if left and collisions >= _MOST_COLLISIONS:
            text = f"the server knows {known[0]}, and each id that was made in its place"
            raise RefusedError(text, status=answer.status)
        if left:
            draw_anew()
            for item in left:
                item.id = make_xid()
            yield from self._send_pieces(left, collisions + 1)


def _about(place: int | None, text: str, submitted: list[str]) -> str:
    if place is None:
        return f"the payload {text}"
    return f"the payload at place {place} {text}; {len(submitted)} before it are submitted"


def _expect_text_keys(value: Any) -> None:
    """Refuse what the encoder would write as something else."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise TypeError(f"the key {shown(key)} is no text")
            _expect_text_keys(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _expect_text_keys(inner)
