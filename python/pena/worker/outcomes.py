"""What a handler raises to say how its message ends."""

from __future__ import annotations

from pena._times import Seconds, duration


class Retry(Exception):  # noqa: N818  # it is what is asked for, and no error
    """Raised by a handler: the message comes back. The attempt counts.

    >>> raise pena.Retry(after=30, reason="429")    # doctest: +SKIP
    """

    def __init__(self, *, after: Seconds | None = None, reason: str = "") -> None:
        """Ask for another attempt.

        Args:
            after: seconds until then; None: the server's backoff.
            reason: what the message's story says of this attempt.

        Raises SettingsError for an `after` that is no duration, or negative.
        """
        super().__init__(reason)
        self.after = None if after is None else duration("after", after)
        self.reason = reason


class Fail(Exception):  # noqa: N818  # as above
    """Raised by a handler: the message has failed, whatever attempts it has left.

    >>> raise pena.Fail("no such file")    # doctest: +SKIP
    """

    def __init__(self, reason: str = "") -> None:
        """Say why: it stands in the message's story."""
        super().__init__(reason)
        self.reason = reason


class TimedOut(BaseException):  # as KeyboardInterrupt: no handler means to catch it
    """Raised in a handler that takes longer than the worker's `timeout`.

    In a thread it comes between two steps of Python: a handler that waits inside a C function gets
    it when that returns. No `except Exception` holds it up. The message has failed already: what
    the handler does about it, and what it returns, changes nothing.
    """
