"""What can go wrong. Each carries a sentence that names what was wrong and what was expected.

::

    PenaError
    ├── SettingsError     (also a ValueError)    a setting that cannot be
    ├── ListenError       (also an OSError)      the address cannot be listened on
    ├── StoreError                               the store cannot be opened, read or written
    │   └── StoreInUseError                      another server has it
    ├── NotRunningError   (also a RuntimeError)  asked of what was not started or is closed, or in
    │                                        a child that was forked from its process
    └── RequestError                             what a `Queue` asked was not done
        ├── PayloadError  (also a ValueError)    a payload, its key or its id that cannot be sent
        ├── RefusedError                         the server said no, and would again; or what
        │                                        answers is no Pena server
        └── UnavailableError                     no answer, or `try later`, for all the patience
"""

from __future__ import annotations

from collections.abc import Sequence


class PenaError(Exception):
    """Any error of Pena."""


class SettingsError(PenaError, ValueError):
    """A setting that cannot be, or two that do not fit together."""


class ListenError(PenaError, OSError):
    """The address cannot be listened on."""


class StoreError(PenaError):
    """The store cannot be opened, read or written."""


class StoreInUseError(StoreError):
    """Another server has the store."""


class NotRunningError(PenaError, RuntimeError):
    """Asked of what was not started or is closed, or in a process forked from its own."""


class RequestError(PenaError):
    """What a queue asked of its server was not done. Of a submission it tells how far it came."""

    submitted: tuple[str, ...]
    """The ids of the payloads before the one that it is about: these are accepted, in order."""
    unsure: tuple[str, ...]
    """The ids of those whose request may have been done, though no answer says so. Submitted again
    under these ids they are there once. A payload with a key is submitted again under its key."""
    place: int | None
    """The place of the payload that it is about, from 0; None where it is about no single one."""

    def __init__(
        self,
        text: str,
        *,
        submitted: Sequence[str] = (),
        unsure: Sequence[str] = (),
        place: int | None = None,
    ) -> None:
        """Not for users: a queue raises it."""
        super().__init__(text)
        self.submitted = tuple(submitted)
        self.unsure = tuple(unsure)
        self.place = place


class PayloadError(RequestError, ValueError):
    """A payload that is no JSON, or has a key that is no text, or an id that is no xid.

    It was not sent; those before it were.
    """


class RefusedError(RequestError):
    """The server refused, and would refuse it again; or what it answered is none of Pena's."""

    status: int
    """That of HTTP: 409 where an id or a key is known with something else, 413 where it is too
    large, 400 where it is not what was expected. One below 300: the answer cannot be read, and what
    was asked may have been done."""

    def __init__(
        self,
        text: str,
        *,
        status: int = 0,
        submitted: Sequence[str] = (),
        unsure: Sequence[str] = (),
        place: int | None = None,
    ) -> None:
        """Not for users: a queue raises it."""
        super().__init__(text, submitted=submitted, unsure=unsure, place=place)
        self.status = status


class UnavailableError(RequestError):
    """For as long as the queue has patience the server did not answer, or had no room."""

    sent: bool
    """Whether the server may have got the request, and done it."""

    def __init__(
        self,
        text: str,
        *,
        sent: bool = False,
        submitted: Sequence[str] = (),
        unsure: Sequence[str] = (),
        place: int | None = None,
    ) -> None:
        """Not for users: a queue raises it."""
        super().__init__(text, submitted=submitted, unsure=unsure, place=place)
        self.sent = sent
