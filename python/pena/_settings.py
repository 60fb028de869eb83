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


_WHOLE = "a whole number from 0 that fits into 64 bits"


def whole(target: object, name: str, value: object) -> None:
    """Set a whole number; the engine's type says how large it may be, and whether None is one."""
    if isinstance(value, bool):
        raise refused(name, value, _WHOLE)
    _assign(target, name, value, _WHOLE)


def whole_number(name: str, value: object) -> int:
    """Return a whole number of 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**64:
        raise refused(name, value, _WHOLE)
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


def text(target: object, name: str, value: object) -> None:
    """Set a text, which C takes: without a character of no bytes or with a zero byte."""
    if not isinstance(value, str) or "\0" in value:
        raise refused(name, value, "text")
    _assign(target, name, value, "text")


def names(target: object, name: str, value: object) -> None:
    """Set several texts; one text by itself would be taken for its letters."""
    expected = "several texts, such as ['pena.example.com']"
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise refused(name, value, expected)
    _assign(target, name, list(value), expected)


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
