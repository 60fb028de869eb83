"""Settings as people give them: put where the engine reads them, or refused with a sentence."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from pena.errors import SettingsError


def shown(value: object) -> str:
    """Return how a value stands in a sentence."""
    try:
        text = repr(value)
    except Exception:  # an int of thousands of digits has none
        return f"this {type(value).__name__}"
    return text if len(text) <= 80 else text[:79] + "…"


def refused(name: str, value: object, expected: str) -> SettingsError:
    """Return the error for a value that cannot be."""
    return SettingsError(f"{name} cannot be {shown(value)}; expected {expected}")


def _assign(target: object, name: str, value: object, expected: str) -> None:
    try:
        setattr(target, name, value)
    except (TypeError, UnicodeError, RuntimeError):
        raise refused(name, value, expected) from None


_MOST = 2**64 - 1


def _whole_from(least: int, most: int) -> str:
    end = "that fits into 64 bits" if most == _MOST else f"to {most}"
    return f"a whole number from {least} {end}"


def whole(target: object, name: str, value: object, least: int = 0, most: int = _MOST) -> None:
    """Set a whole number; the engine's type says whether None is one.

    `least` and `most` are the engine's bounds, for the sentence about what its type does not hold.
    What it holds the engine checks itself.
    """
    expected = _whole_from(least, most)
    if isinstance(value, bool):
        raise refused(name, value, expected)
    _assign(target, name, value, expected)


def at_most(target: object, name: str, least: int, most: int) -> None:
    """Refuse a whole number that was set and that the engine cannot reckon with."""
    if getattr(target, name) > most:
        raise refused(name, getattr(target, name), _whole_from(least, most))


def whole_number(name: str, value: object) -> int:
    """Return a whole number of 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST:
        raise refused(name, value, _whole_from(0, _MOST))
    return value


def number(target: object, name: str, value: object) -> None:
    """Set a number that may have a fraction."""
    if isinstance(value, bool):
        raise refused(name, value, "a number")
    _assign(target, name, value, "a number")


def flag(name: str, value: object) -> bool:
    """Return what is true or false, and nothing that only counts as such."""
    if not isinstance(value, bool):
        raise refused(name, value, "True or False")
    return value


def has_bytes(value: object) -> bool:
    """Whether it is a text of which each character has bytes; half of a surrogate pair has none."""
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)


def key_text(name: str, value: str) -> str:
    """Return a text to look something up by."""
    if not has_bytes(value):
        raise refused(name, value, "text")
    return value


def plain_text(name: str, value: str) -> str:
    """Return a text without a zero byte, which would end the engine's sentence about it."""
    if not has_bytes(value) or "\0" in value:
        raise refused(name, value, "text")
    return value


def text(target: object, name: str, value: str) -> None:
    """Set a text."""
    _assign(target, name, plain_text(name, value), "text")


def hosts(target: object, name: str, value: object) -> None:
    """Set the names of hosts; one text by itself would be taken for its letters."""
    expected = "several names of hosts, such as ['pena.example.com']"
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise refused(name, value, expected)
    several = list(value)
    for one in several:
        if not has_bytes(one) or "\0" in one:
            raise SettingsError(f"{name} has {shown(one)}; expected {expected}")
    _assign(target, name, several, expected)


def folder(value: Any) -> bytes:
    """Return the path of a store as the system has it."""
    try:
        path = os.fsencode(value)
    except (TypeError, UnicodeError):
        raise refused("store", value, "the path of a folder") from None
    if not path or b"\0" in path:
        hint = "store must be the path of a folder"
        raise SettingsError(f"{hint}, not {shown(value)}")
    return path
