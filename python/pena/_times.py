"""Durations as people give them."""

import math
from datetime import timedelta
from typing import TypeAlias

from pena.errors import SettingsError

Seconds: TypeAlias = float | timedelta
"""A duration: seconds, or a timedelta."""


def duration(name: str, value: Seconds) -> timedelta:
    """Turn what the user gave as `name` into a timedelta, or raise SettingsError."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SettingsError(f"{name} must be seconds or a timedelta, not {value!r}")
    if not math.isfinite(value) or abs(value) > timedelta.max.total_seconds():
        raise SettingsError(f"{name} must be a finite number of seconds, not {value!r}")
    return timedelta(seconds=value)


def timeout_of(value: Seconds | None) -> timedelta | None:
    """Turn a timeout into a timedelta; None waits for ever."""
    return None if value is None else max(duration("timeout", value), timedelta(0))
