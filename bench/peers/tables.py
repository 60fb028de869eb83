"""Writes rows of tables, and rates."""

from __future__ import annotations


def short(rate: float) -> str:
    """Write a rate with three digits."""
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if rate >= limit:
            digits = ".3g" if rate < 100 * limit else ".0f"
            return f"{rate / limit:{digits}}{unit}"
    return f"{rate:.0f}"


def row(cells: list[str]) -> str:
    """Write a row of a table."""
    return "| " + " | ".join(cells) + " |\n"
