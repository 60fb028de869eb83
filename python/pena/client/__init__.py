"""`Client`: takes batches, simulates the work and its faults, and reports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Literal

from pena import _pena, _running, _settings
from pena._times import Seconds, duration, timeout_of


class EndReason(str, Enum):
    """Why a client has ended."""

    stopped = "stopped"
    """`stop()` was called."""
    period_too_long = "period_too_long"
    """A msg had a period above `end_above`."""
    batches_done = "batches_done"
    """`max_batches` were reported."""
    refused = "refused"
    """The server answered with an error that a retry does not mend."""


@dataclass(frozen=True)
class ClientEnd:
    """How a client has ended."""

    reason: EndReason
    text: str
    """One sentence for a person."""
    msg: str | None
    """The id of the msg that ended it, where one did."""


@dataclass(frozen=True)
class ClientStats:
    """What a client has done so far."""

    # written by lists_test.cpp: stats
    received: int
    """Msgs that came."""
    processed: int
    """Msgs that slept their period to the end."""
    panicked: int
    """Ended by a panic, for their period was above `panic_above`."""
    refused: int
    """Not begun, for as many were running as may."""
    stopped: int
    """Given up, for the stream was lost or the lease was near its end."""
    batches: int
    """Batches that were reported."""
    ignored: int
    """Events that were no msg."""
    reported: int
    """Ids that the server took now, as it answered."""
    duplicate: int
    """Ids that were reported before, as it answered."""
    unknown: int
    """Ids that were not held under their batch, as it answered."""
    connects: int
    """Streams that began."""
    stream_losses: int
    """Streams that were lost."""
    running: int
    """Msgs that are worked on, now."""
    # end of what was written


class Client:
    """A client that simulates its work, in this process, with a thread of its own.

    >>> with pena.Client("http://127.0.0.1:8080", batchsize=5) as client:    # doctest: +SKIP
    ...     client.wait()

    `start()` or ``with`` starts it; it connects in the background and, where the server is away,
    again and again.
    """

    def __init__(
        self,
        url: str,
        *,
        batchsize: int | None = None,
        seed: int | None = None,
        panicked: Literal["report", "omit"] = "report",
        panic_above: int = 800,
        end_above: int = 900,
        max_running: int | None = None,
        max_batches: int | None = None,
        backoff_first: Seconds = 0.1,
        backoff_most: Seconds = 5.0,
    ) -> None:
        """Check the settings. Raises SettingsError for a value that cannot be.

        Args:
            url: of the server, ``http://127.0.0.1:8080``.
            batchsize: msgs at a time; None draws from 2..10.
            seed: of what it draws; None: random.
            panicked: whether the report names a msg whose coroutine panicked.
            panic_above: milliseconds; a longer period panics.
            end_above: milliseconds; a longer period ends the client.
            max_running: coroutines at one time; None: batchsize.
            max_batches: end after so many reported batches; None: go on.
            backoff_first: wait before the first reconnect; doubles, with jitter.
            backoff_most: the longest such wait.
        """
        settings = _pena.ClientSettings()
        _settings.text(settings, "url", url)
        _settings.whole(settings, "batchsize", batchsize, 1, 1_000_000)
        _settings.whole(settings, "seed", seed)
        _settings.whole(settings, "panic_above", panic_above, 0, 2**32 - 1)
        _settings.whole(settings, "end_above", end_above, 0, 2**32 - 1)
        _settings.whole(settings, "max_running", max_running, 1, 2**32 - 1)
        _settings.whole(settings, "max_batches", max_batches, 1)
        _settings.text(settings, "panicked", panicked)
        settings.backoff_first = duration("backoff_first", backoff_first)
        settings.backoff_most = duration("backoff_most", backoff_most)
        settings.check()
        self._settings = settings
        self._engine: _running.Engine[_pena.Client] = _running.Engine("client")

    def __repr__(self) -> str:
        """Name the server that it works for."""
        return f"<pena.Client of {self._settings.url}>"

    def __enter__(self) -> Client:
        """Start it, if it is not running."""
        if not self._engine.started:
            self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it. In a forked child: NotRunningError, unless an exception is on its way."""
        if error is None or self._engine.here:
            self.stop()

    def start(self) -> Client:
        """Start its thread and return itself.

        Raises SettingsError, and NotRunningError where it was started before: a client starts once.
        """
        self._engine.start(lambda: _pena.Client(self._settings, _running.log_queue()))
        _running.started(self)
        return self

    def stop(self) -> None:
        """Stop the work, report what was finished, close the stream; return when that is done.

        A second call, or one before the start, does nothing.
        """
        if self._engine.started:
            self._engine.get().stop()
            _running.flush_log()

    def wait(self, timeout: Seconds | None = None) -> ClientEnd | None:
        """Wait until the client has ended, at most `timeout` (None: for ever).

        Returns how it ended, or None while it still runs. Ctrl-C interrupts it.
        """
        end = self._engine.get().wait(timeout_of(timeout))
        if end is None:
            return None
        reason, text, msg = end
        return ClientEnd(EndReason(reason), text, msg)

    @property
    def running(self) -> bool:
        """Whether it works, in this process."""
        return self._engine.here and self._engine.get().running()

    @property
    def batchsize(self) -> int:
        """What it asks for at a time: as given, or as drawn."""
        return self._engine.get().batchsize

    @property
    def stats(self) -> ClientStats:
        """The numbers of this moment."""
        return ClientStats(**self._engine.get().stats())
