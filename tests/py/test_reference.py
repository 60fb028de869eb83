"""The page of Python lists what there is: signatures with their defaults, records with fields."""

from __future__ import annotations

import enum
import inspect
import os
import textwrap
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

import pena

PAGE = Path(__file__).resolve().parents[2] / "docs/python.md"
MARK = "<!-- what {} are made of -->\n```pyi\n"
PARTS: dict[str, list[type]] = {
    "classes": [pena.Queue, pena.Worker, pena.Server, pena.Store],
    "msgs": [pena.Msg, pena.Retry, pena.Fail],
    "ends": [pena.WorkerEnd, pena.WorkerStats, pena.WorkerEndReason],
    "answers": [pena.Waited, pena.QueueStats, pena.Story, pena.Delivery, pena.State, pena.Outcome],
    "records": [
        *(pena.ReportRecord, pena.FailRecord, pena.QueuedMsg, pena.Batch, pena.Miss),
        *(pena.MissReason, pena.BucketCounts),
    ],
}


def folded(begin: str, parts: list[str], end: str = "", *, indent: int = 0) -> str:
    """Fold a line between its parts; what follows is further to the right."""
    whole = ", ".join(part.replace(" ", "\xa0") for part in parts)
    lines = textwrap.wrap(
        begin + whole + end.replace(" ", "\xa0"),
        110,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 8),
        break_on_hyphens=False,
        break_long_words=False,
    )
    return "".join(f"{line}\n" for line in lines).replace("\xa0", " ")


def called(name: str, function: Any, *, indent: int = 0) -> str:
    """Return how it is called."""
    signature = inspect.signature(function)
    parts = []
    for each in signature.parameters.values():
        if each.name == "self":
            continue
        if each.kind is each.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        default = "" if each.default is each.empty else f" = {each.default!r}"
        parts.append(f"{each.name}: {each.annotation}{default}")
    gives = signature.return_annotation
    end = "" if gives in ("None", None) else f" -> {gives}"
    return folded(f"{name}(", parts, f"){end}", indent=indent)


def made_of(one: type) -> str:
    """List what a class has for its users."""
    if issubclass(one, enum.Enum):
        return folded(f"{one.__name__}: ", [" | ".join(each.value for each in one)])
    if is_dataclass(one):
        has = [f"{field.name}: {field.type}" for field in fields(one)]
        text = folded(f"{one.__name__}: ", has)
    elif one is pena.Msg:  # workers make it
        has = [f"{name}: {kind}" for name, kind in inspect.get_annotations(one).items()]
        text = folded(f"{one.__name__}: ", has)
    else:
        text = called(one.__name__, one)
    for owner in one.__mro__[::-1]:
        if not owner.__module__.startswith("pena"):
            continue
        for name, member in vars(owner).items():
            if name.startswith("_"):
                continue
            if isinstance(member, property):
                text += folded(f"{name}: ", [member.fget.__annotations__["return"]], indent=4)
            elif inspect.iscoroutinefunction(member):
                text += called(f"async {name}", member, indent=4)
            elif inspect.isfunction(member):
                text += called(name, member, indent=4)
    return text


@pytest.mark.parametrize("part", PARTS)
def test_the_page_shows_what_there_is(part: str) -> None:
    """PENA_REWRITE=1 writes it into the page."""
    shown = PAGE.read_text()
    mark = MARK.format(part)
    before, after = shown.split(mark)
    text = "\n".join(made_of(one) for one in PARTS[part])
    text = before + mark + text + "```\n" + after.split("```\n", 1)[1]
    if os.environ.get("PENA_REWRITE"):
        PAGE.write_text(text)
    assert text == PAGE.read_text(), "the page shows others; PENA_REWRITE=1 writes them anew"


def test_every_class_that_users_meet_is_in_the_page() -> None:
    listed = {one.__name__ for several in PARTS.values() for one in several}
    # What is like another, or simulates, or stands in docs/settings.md, or is made by a call.
    elsewhere = {"AsyncQueue", "Bucket", "Client", "ClientEnd", "ClientStats", "EndReason"}
    elsewhere |= {"Limits", "ServerStats", "TimedOut", "Xid"}
    for name in pena.__all__:
        one = getattr(pena, name)
        if isinstance(one, type) and not issubclass(one, pena.PenaError):
            assert (name in listed) != (name in elsewhere), name
