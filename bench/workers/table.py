"""Turns workers.json into a page: `table.py FOLDER` prints it."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

from subjects import SHAPES
from tables import row, short

Found = dict[str, Any]

_PAGE = Path(__file__).with_name("page.md")
_SHAPES = tuple(shape.name for shape in SHAPES)
_SUBMITTING = {"one_by_one": "one at a time", "in_bulk": "in bulk"}
_OURS = "Pena"


def _turns(found: Found, subject: str, what: str, key: str) -> dict[int, float]:
    """Return one figure of a subject, by turn."""
    return {
        run["turn"]: run[key]
        for run in found["results"]
        if run["subject"] == subject and run["what"] == what
    }


def _cell(found: Found, subject: str, what: str) -> str:
    """Write the median of the rates, and how far the furthest turn is from it."""
    rates = _turns(found, subject, what, "msgs_per_s").values()
    if not rates:
        return "none"
    middle = statistics.median(rates)
    return f"{short(middle)} ±{max(abs(rate - middle) for rate in rates) / middle:.0%}"


def _ratio(found: Found, subject: str, what: str) -> str:
    """Write how many times as fast Pena is: the median over the turns."""
    ours = _turns(found, _OURS, what, "msgs_per_s")
    theirs = _turns(found, subject, what, "msgs_per_s")
    both = [ours[turn] / theirs[turn] for turn in ours.keys() & theirs.keys()]
    return f"{statistics.median(both):.2g}" if both else "none"


def _rates(found: Found, columns: dict[str, str]) -> str:
    """Write the rates of all subjects, and what Pena's are in terms of each."""
    text = row(["msgs/s", "on the disk", *columns.values()]) + row(["---"] * (len(columns) + 2))
    for subject, durable in found["durable"].items():
        text += row([subject, durable, *(_cell(found, subject, what) for what in columns)])
    text += "\n" + row(["Pena is so many times as fast as", *columns.values()])
    text += row(["---"] * (len(columns) + 1))
    for subject in found["durable"]:
        if subject != _OURS:
            text += row([subject, *(_ratio(found, subject, what) for what in columns)])
    return text


def _bulk(found: Found) -> str:
    """Write how many msgs a call had."""
    sizes = {run["subject"]: run["msgs"] for run in found["results"] if run["what"] == "in_bulk"}
    return "; ".join(f"{msgs} of {subject}" for subject, msgs in sizes.items())


def _waits(found: Found) -> str:
    text = row(["ms", "p50", "p99"]) + row(["---"] * 3)
    for subject in found["durable"]:
        figures = [_turns(found, subject, "waits", key).values() for key in ("p50_ms", "p99_ms")]
        text += row([subject, *(f"{statistics.median(figure):.2f}" for figure in figures)])
    return text


def text_of(found: Found) -> str:
    """Write all of it."""
    machine = dict(found["machine"])
    versions = ", ".join(f"{name} {version}" for name, version in machine.pop("versions").items())
    return _PAGE.read_text().format(
        **machine,
        versions=versions,
        repeat=found["repeat"],
        msgs=found["msgs"],
        working=_rates(found, {name: name for name in _SHAPES}),
        submitting=_rates(found, _SUBMITTING),
        bulk=_bulk(found),
        waits=_waits(found).rstrip(),
    )


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    sys.stdout.write(text_of(json.loads((folder / "workers.json").read_text())))
