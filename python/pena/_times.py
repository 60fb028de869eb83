"""Durations as people give them."""

from datetime import timedelta
from typing import TypeAlias

from pena._settings import shown
from pena.errors import SettingsError

Seconds: TypeAlias = float | timedelta
"""A duration: seconds, or a timedelta."""

_LONGEST = timedelta(days=36525)  # the engines count microseconds in 64 bits


def duration(name: str, value: Seconds) -> timedelta:
    """Turn what the user gave as `name` into a timedelta, or raise SettingsError."""
    if isinstance(value, timedelta):
        if abs(value) > _LONGEST:
            raise SettingsError(f"{name} must be at most a hundred years, not {value}")
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SettingsError(f"{name} must be seconds or a timedelta, not {shown(value)}")
    if not abs(value) <= _LONGEST.total_seconds():  # nor where it is no number
        raise SettingsError(f"{name} must be a finite number of seconds, not {shown(value)}")
    return timedelta(seconds=value)


def timeout_of(value: Seconds | None) -> timedelta | None:
    """Turn a timeout into a timedelta; None waits for ever."""
    return None if value is None else max(duration("timeout", value), timedelta(0))
