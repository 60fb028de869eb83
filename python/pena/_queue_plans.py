"""What a queue does, as plans, and the check of what it is given."""

from __future__ import annotations

import json
import logging
import re
import time
from collections import deque
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from pena import _json_answers as answers
from pena._asking import MOST_RECORDS, Answer, Asking, Plan, Request
from pena._json_answers import Page, Said
from pena._json_records import story
from pena._reading import Fails, ReportsOf, ReportsSince
from pena._settings import flag, key_text, refused, shown, whole_number
from pena._submission import Submission
from pena._times import Seconds, duration
from pena._watch import Watch, cut, ids_of
from pena.errors import SettingsError
from pena.records import QueuedMsg
from pena.standing import QueueStats, Waited
from pena.stories import Story
from pena.xid import XID_EXPECTED, is_xid

_log = logging.getLogger("pena.queue")

Which = Literal["waiting", "failed", "reported"]

_NAME = re.compile(r"[a-z0-9._-]{1,64}")
_MOST_IDS = 10_000  # of a request; a server takes 100,000 unless it is told otherwise
_LONG = 600.0  # seconds; a request that changes a million msgs is answered when it is done
_DISCARDS: dict[Which, str] = {"waiting": "/queue", "failed": "/fail", "reported": "/report"}


def seconds_of(name: str, value: Seconds | None, *, least: float = 0.0) -> float | None:
    """Return seconds; None stays. Raises SettingsError for less than `least`."""
    if value is None:
        return None
    seconds = duration(name, value).total_seconds()
    if seconds < least:
        raise refused(name, value, f"at least {least:g} s")
    return seconds


def _unix_ms(name: str, value: Any) -> int:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise refused(name, value, "a datetime with its timezone")
    return round(value.timestamp() * 1000)


def several_payloads(payloads: Any, *, may_be_asynchronous: bool = False) -> None:
    """Refuse what is none, and what Python would iterate over and nobody means so."""
    if isinstance(payloads, AsyncIterable):
        if not may_be_asynchronous:
            raise refused("payloads", payloads, "an iterable; AsyncQueue takes an asynchronous one")
    elif not isinstance(payloads, Iterable) or isinstance(
        payloads, (str, bytes, bytearray, Mapping)
    ):
        raise refused("payloads", payloads, "an iterable of payloads; submit_one takes one")


class QueuePlans:
    """The plans of one queue."""

    def __init__(
        self, url: str, name: Any, patience: Seconds | None, timeout: Seconds | None
    ) -> None:
        """`url` is checked elsewhere. Raises SettingsError for the others."""
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            expected = "1 to 64 of a-z, 0-9, '.', '_' and '-'"
            raise SettingsError(f"queue is {shown(name)}; expected {expected}")
        self.name: str = name
        seconds = seconds_of("request_timeout", timeout, least=0.001)
        self._asking = Asking(url, seconds_of("patience", patience), seconds)

    def submission(
        self,
        *,
        key: Callable[[Any], str] | None = None,
        id: Callable[[Any], str] | None = None,
        delay: Seconds | None = None,
        due: datetime | None = None,
        max_resends: int | None = None,
        period: int | None = None,
        single: bool = False,
    ) -> Submission:
        """Begin one. Raises SettingsError for an option that cannot be."""
        for name, given in (("key", key), ("id", id)):
            if given is not None and not callable(given):
                raise refused(name, given, f"a function that gives the {name} of a payload")
        options: dict[str, int] = {}
        if delay is not None and due is not None:
            raise SettingsError("delay and due are both given; expected one of them")
        if delay is not None:
            options["delay"] = round((seconds_of("delay", delay) or 0) * 1000)
        if due is not None:
            options["due"] = _unix_ms("due", due)
        if max_resends is not None:
            options["max_resends"] = whole_number("max_resends", max_resends)
        if period is not None:
            options["period"] = whole_number("period", period)
        return Submission(self._asking, self.name, options, key=key, id=id, single=single)

    def get(self, id: str | None, key: str | None) -> Plan[Story | None]:
        """Find one msg."""
        if (id is None) == (key is None):
            raise SettingsError("get needs either an id or a key")
        if key is not None:
            text = quote(key_text("key", key), safe="")
            target = f"/task?queue={self.name}&key={text}"
        elif is_xid(id):
            target = f"/task/{id}"
        else:
            raise refused("id", id, XID_EXPECTED)
        answer: Answer = yield from self._asking.ask(Request("GET", target))
        return None if answer.is_unknown else answer.told(story)

    def wait(self, ids: Iterable[str], timeout: Seconds | None) -> Plan[Waited]:
        """Follow msgs until they are settled."""
        seconds = seconds_of("timeout", timeout)
        until = None if seconds is None else time.monotonic() + seconds
        return Watch(self._asking, self.name, ids).wait(until)

    def results(
        self, since: int, ids: Iterable[str] | None, follow: bool
    ) -> ReportsSince | ReportsOf:
        """Begin to read reports."""
        flag("follow", follow)
        if ids is None:
            return ReportsSince(self._asking, self.name, whole_number("since", since), follow)
        if since:
            raise SettingsError("since and ids are both given; expected one of them")
        return ReportsOf(Watch(self._asking, self.name, ids), follow)

    def failed(self, error: str | None) -> Fails:
        """Begin to read fail records."""
        text = None if error is None else key_text("error", error)
        return Fails(self._asking, self.name, text)

    def retry(
        self,
        ids: Iterable[str] | None,
        error: str | None,
        before: datetime | None,
        all: bool,
        dry_run: bool,
    ) -> Plan[int]:
        """Try failed msgs again."""
        bodies = self._bodies("retry", ids, error, before, all, dry_run)
        return self._change("POST", "/fail/retry", bodies, "retried")

    def discard(
        self,
        which: Which,
        ids: Iterable[str] | None,
        error: str | None,
        before: datetime | None,
        all: bool,
        dry_run: bool,
    ) -> Plan[int]:
        """Delete msgs."""
        if which not in _DISCARDS:
            raise refused("which", which, f"one of {', '.join(_DISCARDS)}")
        if error is not None and which != "failed":
            raise SettingsError(f"error goes with failed msgs alone, and which is {which!r}")
        bodies = self._bodies("discard", ids, error, before, all, dry_run)
        return self._change("DELETE", _DISCARDS[which], bodies, "deleted")

    def _bodies(
        self,
        call: str,
        ids: Iterable[str] | None,
        error: str | None,
        before: datetime | None,
        all: bool,
        dry_run: bool,
    ) -> list[dict[str, Any]]:
        """Say which msgs, in one body or, where there are many ids, in several."""
        more = {"dry_run": True} if flag("dry_run", dry_run) else {}
        filters: dict[str, Any] = {}
        if error is not None:
            filters["error"] = key_text("error", error)
        if before is not None:
            filters["before"] = _unix_ms("before", before)
        given = [*filters, *(["ids"] if ids is not None else []), *(["all"] * flag("all", all))]
        if not given:
            raise SettingsError(f"{call} is told no msgs; expected ids, a filter, or all=True")
        if ids is not None and len(given) > 1:
            raise SettingsError(f"{call} is told {' and '.join(given)}; expected ids alone")
        if ids is None:
            return [{"all": True, "queue": self.name, **filters, **more}]
        return [{"ids": some, **more} for some in cut(ids_of(ids), _MOST_IDS)]

    def _change(
        self, method: str, target: str, bodies: list[dict[str, Any]], counted: str
    ) -> Plan[int]:
        count = 0
        left = deque(bodies)
        while left:
            body = left.popleft()
            request = Request(method, target, json.dumps(body).encode(), timeout=_LONG)
            answer = yield from self._asking.ask(request)
            ids = body.get("ids", [])
            if answer.status == 413 and len(ids) > 1:  # a server that takes fewer in a request
                left.extendleft({**body, "ids": half} for half in cut(ids, (len(ids) + 1) // 2))
            else:
                count += answer.told(lambda said: answers.number(said, counted))
        return count

    def pause(self, word: Literal["pause", "resume"]) -> Plan[None]:
        """Pause it, or have it go on."""
        request = Request("POST", f"/queue/{self.name}/{word}")
        known = yield from self._asking.told(request, lambda said: _is_known(said, word))
        if word == "pause" and not known:
            _log.warning("the queue %s is paused, and nobody has used it so far", self.name)

    def is_known(self) -> Plan[bool]:
        """Ask whether the server has anything of it, or somebody takes from it."""
        request = Request("GET", f"/stats?queue={self.name}")
        return (yield from self._asking.told(request, lambda said: bool(answers.rows(said))))

    def stats(self) -> Plan[QueueStats]:
        """Count."""
        request = Request("GET", f"/stats?queue={self.name}")
        return (
            yield from self._asking.told(request, lambda said: answers.queue_stats(said, self.name))
        )

    def peek(self, limit: int) -> Plan[list[QueuedMsg]]:
        """Read what comes next."""
        if whole_number("limit", limit) == 0:
            raise refused("limit", limit, "a whole number from 1")
        msgs: list[QueuedMsg] = []
        after: str | None = ""

        def read(said: Said) -> Page:
            return answers.page_of_msgs(after or "", said)

        while len(msgs) < limit and after is not None:
            more = f"&after={after}" if after else ""
            target = f"/queue?records=1&queue={self.name}{more}"
            most = min(limit - len(msgs), MOST_RECORDS)
            page = yield from self._asking.page(target, most, read)
            msgs += page.has
            after = page.next
        return msgs[:limit]


def _is_known(said: Said, word: Literal["pause", "resume"]) -> bool:
    """Read whether somebody has used the queue that is paused now, or goes on."""
    if answers.flag(said, "paused") != (word == "pause"):
        raise ValueError(f"paused is {said['paused']} behind a {word}")
    return answers.flag(said, "known") if "known" in said else True
