"""What a worker is given, and the check of it."""

from __future__ import annotations

import inspect
import os
import socket
from collections.abc import Iterable
from typing import Any

from pena._settings import has_bytes, refused, shown
from pena.errors import SettingsError

_MOST_BYTES = 64
_NAME_EXPECTED = f"1 to {_MOST_BYTES} bytes of text without control characters"
_QUEUES_EXPECTED = "1 to 64 names of queues, such as ['images']"


def worker_name(given: str | None) -> str:
    """Return what people see of a worker; None: its host and its process.

    Raises SettingsError for what a server does not take.
    """
    if given is None:
        host = socket.gethostname().encode("ascii", "replace").decode()[:40]
        return f"{host}-{os.getpid()}"
    if not has_bytes(given) or not 1 <= len(given.encode()) <= _MOST_BYTES:
        raise refused("name", given, _NAME_EXPECTED)
    if any(letter < " " or "\x7f" <= letter <= "\x9f" for letter in given):
        raise refused("name", given, _NAME_EXPECTED)
    return given


def check_handler(given: object) -> None:
    """Refuse what cannot be called with one msg: each would use its attempts up. SettingsError."""
    if not callable(given):
        raise refused("handler", given, "a function of one msg")
    try:
        inspect.signature(given).bind(None)
    except ValueError:  # such as a class of C, which does not say
        return
    except TypeError as error:
        raise refused("handler", given, f"a function of one msg ({error})") from None


def queue_names(given: Iterable[str]) -> list[str]:
    """Return the names of queues: several texts, each once. What each is made of is not checked.

    Raises SettingsError.
    """
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise refused("queues", given, _QUEUES_EXPECTED)
    names = list(given)
    if not names:
        raise refused("queues", names, _QUEUES_EXPECTED)
    for place, name in enumerate(names):
        if not has_bytes(name) or "\0" in name:
            raise SettingsError(f"queues has {shown(name)}; expected {_QUEUES_EXPECTED}")
        if name in names[:place]:
            raise SettingsError(f"queues has {shown(name)} twice; expected each queue once")
    return names


def at_once(name: str, value: object, most: int) -> int:
    """Return how many there are at once, up to `most`. Raises SettingsError."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise refused(name, value, f"a whole number from 1 to {most}")
    return value


def exceptions(name: str, value: Any) -> tuple[type[BaseException], ...]:
    """Return several exceptions. Raises SettingsError."""
    expected = "several exceptions, such as (ValueError,)"
    if isinstance(value, type) or not isinstance(value, Iterable):
        raise refused(name, value, expected)
    several = tuple(value)
    for one in several:
        if not (isinstance(one, type) and issubclass(one, BaseException)):
            raise refused(name, one, expected)
    return several
