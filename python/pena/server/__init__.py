"""`Server`: generates or takes messages, sends them to clients, keeps what became of them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TypedDict

from pena import _pena, _running, _settings
from pena._times import Seconds, duration, timeout_of
from pena.buckets import Bucket, BucketCounts, Buckets
from pena.errors import SettingsError
from pena.records import Batch, FailRecord, QueuedMsg, ReportRecord


class Limits(TypedDict, total=False):
    """The limits beside the rules; what is not given keeps its default.

    Sizes in what their name says, times in seconds. `pena help server` tells what each is for
    and its default, by its option there: `batchsize` is ``--max-batchsize``, `period_ms`
    ``--max-period``, `payload_bytes` ``--max-payload``, `error_bytes` ``--max-error``,
    `report_ids` ``--max-report-ids``, `submit_msgs` ``--max-submit``, `page_ids`
    ``--max-page-ids``, `page_bytes` ``--max-page``, `json_depth` ``--max-json-depth``,
    `header_bytes` ``--max-header``, `target_bytes` ``--max-target``, `body_bytes`
    ``--max-body``, `framing_bytes` ``--max-framing``, `bodies_bytes` ``--max-bodies``,
    `connections` ``--max-connections``, `window_msgs` ``--window``, `queue_msgs`
    ``--max-queue``, `map_bytes` ``--map-size``, `disk_bytes` ``--min-disk``,
    `stalled_write_time` ``--stalled-write``; the others are called alike.
    """

    batchsize: int
    period_ms: int
    payload_bytes: int
    error_bytes: int
    report_ids: int
    submit_msgs: int
    page_ids: int
    page_bytes: int
    json_depth: int
    header_bytes: int
    target_bytes: int
    body_bytes: int
    framing_bytes: int
    bodies_bytes: int
    connections: int
    window_msgs: int
    window_bytes: int
    fewest_pieces: int
    queue_msgs: int
    map_bytes: int
    store_fill: float
    disk_bytes: int
    header_time: Seconds
    body_time: Seconds
    idle_time: Seconds
    stalled_write_time: Seconds
    drain_time: Seconds


_TIME_LIMITS = {"header_time", "body_time", "idle_time", "stalled_write_time", "drain_time"}
_SHARE_LIMITS = {"store_fill"}
# The bounds of the others that are not from 1 to what 64 bits hold.
_BOUNDS = {
    "batchsize": (1, 2**32 - 1),
    "period_ms": (1, 2**32 - 1),
    "error_bytes": (3, 64 * 1024),
    "json_depth": (1, 500),
    "disk_bytes": (0, 2**64 - 1),
}
# Beyond these the engine's sums are wrong. A process has addresses for 2**47 bytes, and a store
# takes twice its map_bytes; a record has 2**32 bytes at most, and a payload is not all of it; the
# bytes of a header are counted in 32 bits.
_LARGEST = {"map_bytes": 2**46, "payload_bytes": 2**31, "header_bytes": 2**32 - 1}


@dataclass(frozen=True)
class ServerStats:
    """Counts since the server started; who is connected and what is held, as of now."""

    generated: int
    submitted: int
    sent: int
    """Deliveries, resends included."""
    resent: int
    reported: int
    failed: int
    omitted: int
    """This and the next four: misses, by their reason."""
    said_failed: int
    refused: int
    dropped: int
    expired: int
    batches: int
    clients_joined: int
    clients_lost: int
    clients_free: int
    clients_busy: int
    held: int
    """Messages in batches, now."""
    connections: int
    generating: bool
    """The generator has messages left to make."""
    waiting: str
    """What must come before anything moves on: "room in the store", "a client" or "the rate".

    Empty where all moves, or there is nothing to do.
    """


class Server:
    """A server in this process.

    >>> with pena.Server(count=10) as server:
    ...     print(server.url)                          # doctest: +SKIP

    `start()` or ``with`` starts it; the constructor only checks the settings. Times are seconds or
    timedeltas.
    """

    def __init__(
        self,
        *,
        listen: str = "127.0.0.1:0",
        store: str | os.PathLike[str] | None = None,
        count: int | None = None,
        rate: float | None = None,
        seed: int | None = None,
        generate: bool = True,
        max_resends: int = 3,
        lease: Seconds = 30.0,
        heartbeat: Seconds = 1.0,
        silence: Seconds = 3.0,
        stop_time: Seconds = 0.25,
        drop_grace: Seconds = 4.0,
        slack: Seconds = 0.1,
        clock_drift: float = 0.001,
        linger: Seconds = 0.02,
        insecure: bool = False,
        allow_hosts: Sequence[str] = (),
        limits: Limits | None = None,
    ) -> None:
        """Check the settings. Raises SettingsError, naming what does not fit.

        Args:
            listen: ``address:port``; port 0 takes a free one.
            store: the folder of the store, created where missing; None keeps everything in memory.
            count: how many messages to generate, those before a restart included; None: no end.
            rate: messages a second at most; None: as fast as clients take them.
            seed: makes the periods reproducible; None: random.
            generate: False generates nothing; messages come by ``POST /task``. Then neither count
                nor rate may be given.
            max_resends: how often a message is sent again before it has failed.
            lease: a batch is settled within this time.
            heartbeat: a stream carries bytes at least this often.
            silence: after this a client takes its stream as lost.
            stop_time: in this time a client stops its work once it must.
            drop_grace: how long to wait before what a lost client held is sent again.
            slack: how late timers and threads may be.
            clock_drift: bound on the difference of two clocks' rates.
            linger: a message waits at most this long for its batch to fill.
            insecure: allow an address other than loopback, without token and TLS.
            allow_hosts: names that ``Host`` may have beside localhost, addresses and bare names.
            limits: the limits beside the rules.
        """
        settings = _pena.ServerSettings()
        _settings.text(settings, "listen", listen)
        settings.store = b"" if store is None else _settings.folder(store)
        settings.insecure = _settings.flag("insecure", insecure)
        _settings.names(settings, "allow_hosts", allow_hosts)
        generator = settings.generator
        generator.enabled = _settings.flag("generate", generate)
        _settings.whole(generator, "count", count)
        _settings.number(generator, "rate", rate)
        _settings.whole(generator, "seed", seed)
        _settings.whole(settings.limits, "max_resends", max_resends, 0, 1000)
        settings.limits.linger = duration("linger", linger)
        timing = settings.limits.timing
        timing.lease = duration("lease", lease)
        timing.heartbeat = duration("heartbeat", heartbeat)
        timing.silence = duration("silence", silence)
        timing.stop_time = duration("stop_time", stop_time)
        timing.drop_grace = duration("drop_grace", drop_grace)
        timing.slack = duration("slack", slack)
        _settings.number(timing, "clock_drift", clock_drift)
        _set_limits(settings.limits, {} if limits is None else limits)
        for name, given in (("count", count), ("rate", rate)):
            if given is not None and not generate:
                raise SettingsError(
                    f"{name} is {given}, and generate is False; expected one without the other"
                )
        settings.check()
        self._listen = listen
        self._settings = settings
        self._engine: _running.Engine[_pena.Server] = _running.Engine("server")
        engine = self._engine  # and not self: an object that nobody has any more is gone at once
        self._buckets = Buckets(lambda: engine.get().buckets())

    def __repr__(self) -> str:
        """Say where it listens."""
        where = self._engine.get().url if self._engine.here else f"{self._listen}, not started"
        return f"<pena.Server {where}>"

    def __enter__(self) -> Server:
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

    def start(self) -> Server:
        """Open the store, listen, and serve from threads of its own; return itself.

        Raises SettingsError, StoreError (StoreInUseError where another server has the store),
        ListenError, and NotRunningError where it was started before: a server starts once.
        """
        self._engine.start(lambda: _pena.Server(self._settings, _running.log_queue()))
        _running.started(self)
        return self

    def stop(self) -> int:
        """End the streams, answer what was asked, finish the commits, close the store.

        Returns when all that is done, and how many requests the disk kept waiting for longer than
        the limit `drain_time`: these were told that their outcome is unknown. A second call, or one
        before the start, does nothing.
        """
        if not self._engine.started:
            return 0
        left = self._engine.get().stop()
        _running.flush_log()
        return left

    def wait(self, timeout: Seconds | None = None) -> bool:
        """Wait until the server has stopped, at most `timeout` (None: for ever); True when it has.

        Ctrl-C interrupts it. Raises what ended the server if that was a failure.
        """
        return self._engine.get().wait(timeout_of(timeout))

    @property
    def running(self) -> bool:
        """Whether it serves, in this process."""
        return self._engine.here and self._engine.get().running()

    @property
    def url(self) -> str:
        """``http://127.0.0.1:8080``."""
        return self._engine.get().url

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._engine.get().port

    @property
    def stats(self) -> ServerStats:
        """The numbers of this moment."""
        return ServerStats(**self._engine.get().stats())

    @property
    def queue(self) -> Bucket[QueuedMsg]:
        """The messages that wait."""
        return self._buckets.queue

    @property
    def batches(self) -> Bucket[Batch]:
        """The batches that clients hold, by the id of the batch."""
        return self._buckets.batches

    @property
    def report(self) -> Bucket[ReportRecord]:
        """The processed messages."""
        return self._buckets.report

    @property
    def fail(self) -> Bucket[FailRecord]:
        """The failed messages."""
        return self._buckets.fail

    def counts(self) -> BucketCounts:
        """Count the messages of all buckets in one moment."""
        return self._buckets.counts()

    def meta(self, key: str) -> int | None:
        """Return a number of the bucket `meta`, such as how many messages were `generated`.

        None where there is no such number. Raises SettingsError for a key that is no text.
        """
        return self._buckets.meta(key)


def _set_limits(target: _pena.Limits, limits: Limits) -> None:
    if not isinstance(limits, Mapping):
        raise _settings.refused("limits", limits, "a dict of limits")
    for name, value in limits.items():
        if name not in Limits.__annotations__:
            known = ", ".join(Limits.__annotations__)
            raise SettingsError(f"limits has no {_settings.shown(name)}; it has {known}")
        if name in _TIME_LIMITS:
            setattr(target, name, duration(name, value))  # type: ignore[arg-type]
        elif name in _SHARE_LIMITS:
            _settings.number(target, name, value)
        elif name in _LARGEST:
            _settings.whole(target, name, value, 1, _LARGEST[name])
            _settings.at_most(target, name, _LARGEST[name])
        else:
            _settings.whole(target, name, value, *_BOUNDS.get(name, (1, 2**64 - 1)))
