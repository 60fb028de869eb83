"""What a handler raises to say how its msg ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from pena._settings import refused
from pena._times import Seconds, duration

_LONGEST = timedelta(days=365)  # a server takes no longer wait


def said(value: object) -> str:
    """Return anything as text that has bytes, which half of a surrogate pair has not."""
    try:
        text = str(value)
    except BaseException:  # a __str__ may fail in any way
        text = f"this {type(value).__name__}"
    return text.encode(errors="backslashreplace").decode()


def text_of(error: BaseException) -> str:
    """Return what a msg's story says of an exception: "ValueError: no such width"."""
    name = type(error).__name__
    try:
        has_text = bool(str(error))
    except BaseException:
        has_text = False
    return f"{name}: {said(error)}" if has_text else name


def _reason(reason: object) -> str:
    return text_of(reason) if isinstance(reason, BaseException) else said(reason)


class Retry(Exception):  # noqa: N818  # it is what is asked for, and no error
    """Raised by a handler: the msg comes back. The attempt counts.

    >>> raise pena.Retry(after=30, reason="429")    # doctest: +SKIP
    """

    reason: str = ""  # also of a subclass that does not call __init__
    after: timedelta | None = None

    def __init__(self, *, after: Seconds | None = None, reason: object = "") -> None:
        """Ask for another attempt.

        Args:
            after: seconds until then; None: the server's backoff.
            reason: what the msg's story says of this attempt, as text; an exception, too.

        Raises SettingsError for an `after` that is no duration, negative, or more than a year.
        """
        self.reason = _reason(reason)
        super().__init__(self.reason)
        self.after = None if after is None else duration("after", after)
        if self.after is not None and not timedelta(0) <= self.after <= _LONGEST:
            raise refused("after", after, "seconds from 0 to a year")

    def __reduce__(self) -> tuple[Callable[..., Retry], tuple[type[Retry], timedelta | None, str]]:
        """Make it again where it was sent to another process: its arguments have names."""
        return _retry, (type(self), self.after, self.reason)


def _retry(kind: type[Retry], after: timedelta | None, reason: str) -> Retry:
    made = kind.__new__(kind)
    Retry.__init__(made, after=after, reason=reason)
    return made


class Fail(Exception):  # noqa: N818  # as above
    """Raised by a handler: the msg has failed, whatever attempts it has left.

    >>> raise pena.Fail("no such file")    # doctest: +SKIP
    """

    reason: str = ""

    def __init__(self, reason: object = "") -> None:
        """Say why, as text; an exception, too: it stands in the msg's story."""
        self.reason = _reason(reason)
        super().__init__(self.reason)


class TimedOut(BaseException):  # as KeyboardInterrupt: no handler means to catch it
    """Raised in a handler that takes longer than the worker's `timeout`.

    In a thread it comes between two steps of Python: a handler that waits inside a C function gets
    it when that returns. No `except Exception` holds it up. The msg has failed already: what
    the handler does about it, and what it returns, changes nothing.
    """
