"""`Server`: generates or takes msgs, sends them to clients, keeps what became of them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import TypedDict

from pena import _pena, _running, _settings
from pena._times import Seconds, duration, timeout_of
from pena.buckets import Bucket, BucketCounts, Buckets
from pena.errors import SettingsError
from pena.records import Batch, FailRecord, QueuedMsg, ReportRecord
from pena.stories import Story


class Limits(TypedDict, total=False):
    """The limits beside the rules; what is not given keeps its default.

    Sizes in what their name says, times in seconds. Each has its option of `pena server`, and its
    default there.
    """

    # written by lists_test.cpp: limits
    batchsize: int
    """``--max-batchsize``, 10000: the largest batchsize of a client."""
    period_ms: int
    """``--max-period``, 86400000: the longest period of a submitted msg, in ms."""
    payload_bytes: int
    """``--max-payload``, 256KiB: the largest payload of a msg."""
    error_bytes: int
    """``--max-error``, 1KiB: the longest error kept of a failed msg."""
    result_bytes: int
    """``--max-result``, 64KiB: the largest result of a msg in a report."""
    report_ids: int
    """``--max-report-ids``, 100000: the most ids of one report."""
    submit_msgs: int
    """``--max-submit``, 100000: the most msgs submitted at once."""
    header_bytes: int
    """``--max-header``, 8KiB: the largest header of a request."""
    target_bytes: int
    """``--max-target``, 2KiB: the longest path and query of a request."""
    body_bytes: int
    """``--max-body``, 8MiB: the largest body of a request."""
    framing_bytes: int
    """``--max-framing``, 1MiB: the most bytes of chunk sizes, extensions and trailers of a
    request."""
    bodies_bytes: int
    """``--max-bodies``, 64MiB: the bodies of all requests at one time; beyond this 503."""
    page_bytes: int
    """``--max-page``, 8MiB: the largest page of GET /report, /fail, /queue and /later."""
    page_ids: int
    """``--max-page-ids``, 100000: the most ids or records of such a page."""
    json_depth: int
    """``--max-json-depth``, 16: the most levels of a payload."""
    connections: int
    """``--max-connections``, 10000: the most connections, streams included."""
    header_time: Seconds
    """``--header-time``, 10s: a request's header arrives within this."""
    body_time: Seconds
    """``--body-time``, 30s: a request's body arrives within this."""
    idle_time: Seconds
    """``--idle-time``, 75s: how long a connection may idle between requests."""
    stalled_write_time: Seconds
    """``--stalled-write``, 15s: a client that reads nothing for this long, or for the lease
    where that is longer, is dropped."""
    drain_time: Seconds
    """``--drain-time``, 5s: how long a stop waits until what was asked is answered; a second
    more for last words."""
    window_msgs: int
    """``--window``, 32768: queued msgs in memory; the rest waits in the store."""
    window_bytes: int
    """``--window-bytes``, 64MiB: the most bytes of them in memory, and of one batch."""
    fewest_pieces: int
    """``--fewest-pieces``, 16: a lost batch is sent again in so many pieces at least, a large
    one in more."""
    queue_msgs: int
    """``--max-queue``, 10000000: beyond this submitting is refused with 503."""
    queues: int
    """``--max-queues``, 100000: the most queues; a msg for another one is refused with 503."""
    map_bytes: int
    """``--map-size``, 16GiB: the store's size; what held msgs need may exceed it."""
    store_fill: float
    """``--store-fill``, 0.8: submitting is refused with 503 where more of the store's size is in
    use."""
    disk_bytes: int
    """``--min-disk``, 64MiB: submitting is refused with 503 where the store's disk has less
    left."""
    log_bytes: int
    """``--log-size``, 8MiB: the log in front of the store; with less than 32KiB, or more than
    1/8 of the map, there is none."""
    logged_bytes: int
    """``--max-logged``, 256KiB: what is written at once goes past the log where it is larger."""
    apply_time: Seconds
    """``--apply-every``, 20ms: what is in the log is taken into the store after so long, at most
    5s."""
    # end of what was written


# Of each limit what it is and, of whole numbers, what it may be from and to.
_BOUNDS = _pena.limit_bounds()


@dataclass(frozen=True)
class ServerStats:
    """Counts since the server started; who is connected and what is held, as of now."""

    # written by lists_test.cpp: stats
    generated: int
    """Msgs that the generator made."""
    submitted: int
    """Msgs that were submitted."""
    sent: int
    """Deliveries, resends included."""
    resent: int
    """Deliveries after the first of a msg."""
    reported: int
    """Msgs that were processed."""
    failed: int
    """Msgs whose last attempt was missed."""
    omitted: int
    """Misses: left out of the report."""
    said_failed: int
    """Misses: the client said so."""
    refused: int
    """Misses: the client had no room."""
    dropped: int
    """Misses: the stream was lost."""
    expired: int
    """Misses: the lease was over."""
    batches: int
    """Batches that were granted."""
    retried: int
    """Failed msgs that were to be tried again."""
    forgotten: int
    """Msgs that somebody had deleted."""
    swept_reports: int
    """Reports that --keep-reports let go."""
    swept_fails: int
    """Failed msgs that --keep-fails let go."""
    room_reports: int
    """Reports that were forgotten to make room in the store for new msgs."""
    clients_joined: int
    """Streams that began."""
    clients_lost: int
    """Streams that were lost, or whose lease was over."""
    clients_free: int
    """Clients that hold no batch, now."""
    clients_busy: int
    """Clients that hold one, now."""
    held: int
    """Msgs in batches, now."""
    connections: int
    """Open connections, streams included, now."""
    logged: int
    """Writes that the log in front of the store took."""
    past_log: int
    """Writes that went past the log: they were too large for it, or it was full or not ready
    yet."""
    log_waiting: int
    """Bytes in the log that are not in the store yet, now."""
    generating: bool
    """Whether the generator has msgs left to make."""
    waiting: str
    """What must come before anything moves on: "room in the store", "a client", "a resume" or
    "the rate"; empty where all moves, or there is nothing to do."""
    # end of what was written


class Server:
    """A server in this process.

    >>> with pena.Server(count=10) as server:
    ...     print(server.url)                          # doctest: +SKIP

    `start()` or ``with`` starts it; the constructor only checks the settings. Times are seconds or
    timedeltas; how long something is kept is a timedelta, for a number is one of msgs there.
    """

    def __init__(
        self,
        *,
        listen: str = "127.0.0.1:0",
        store: str | os.PathLike[str] | None = None,
        count: int | None = None,
        rate: float | None = None,
        seed: int | None = None,
        generate: bool | None = None,
        max_resends: int = 3,
        retry_first: Seconds = 1.0,
        retry_factor: int = 4,
        retry_most: Seconds = 600.0,
        keep_reports: timedelta | int | None = None,
        keep_fails: timedelta | int | None = None,
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
            count: how many msgs to generate, those before a restart included; None: no end.
            rate: msgs a second at most; None: as fast as clients take them.
            seed: makes the periods reproducible; None: random.
            generate: None generates until somebody submits to the queue ``default``, and never
                again with that store; where count, rate or seed is given, it goes on beside that.
                True goes on beside it in any case. False generates nothing; msgs come by
                ``POST /task``. Then neither count nor rate may be given.
            max_resends: how often a msg is sent again before it has failed.
            retry_first: what a client says failed is sent again after this.
            retry_factor: and after so many times as long when it fails again.
            retry_most: but never later than this.
            keep_reports: reports are forgotten after this (a timedelta), or when there are more
                than so many (an int); None: never.
            keep_fails: failed msgs likewise.
            lease: a batch is settled within this time.
            heartbeat: a stream carries bytes at least this often.
            silence: after this a client takes its stream as lost.
            stop_time: in this time a client stops its work once it must.
            drop_grace: how long to wait before what a lost client held is sent again.
            slack: how late timers and threads may be.
            clock_drift: bound on the difference of two clocks' rates.
            linger: a msg waits at most this long for its batch to fill.
            insecure: allow an address other than loopback, without token and TLS.
            allow_hosts: names that ``Host`` may have beside localhost, addresses and bare names.
            limits: the limits beside the rules.
        """
        settings = _pena.ServerSettings()
        _settings.text(settings, "listen", listen)
        settings.store = b"" if store is None else _settings.folder(store)
        settings.insecure = _settings.flag("insecure", insecure)
        _settings.hosts(settings, "allow_hosts", allow_hosts)
        generator = settings.generator
        if generate is not None:
            generator.enabled = _settings.flag("generate", generate)
            generator.stays = generate or None
        _settings.whole(generator, "count", count)
        _settings.number(generator, "rate", rate)
        _settings.whole(generator, "seed", seed)
        rules = {
            "max_resends": max_resends,
            "retry_first": retry_first,
            "retry_factor": retry_factor,
            "retry_most": retry_most,
            "keep_reports": keep_reports,
            "keep_fails": keep_fails,
            "lease": lease,
            "heartbeat": heartbeat,
            "silence": silence,
            "stop_time": stop_time,
            "drop_grace": drop_grace,
            "slack": slack,
            "clock_drift": clock_drift,
            "linger": linger,
        }
        for name, value in rules.items():
            _set_limit(settings.limits, name, value)
        _set_limits(settings.limits, {} if limits is None else limits)
        for name, given in (("count", count), ("rate", rate)):
            if given is not None and generate is False:
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
        """The msgs that wait for a client, of all queues."""
        return self._buckets.queue

    @property
    def later(self) -> Bucket[QueuedMsg]:
        """The msgs that are not to be sent before a date, in the order of their ids.

        ``GET /later`` has them in the order of their dates.
        """
        return self._buckets.later

    @property
    def batches(self) -> Bucket[Batch]:
        """The batches that clients hold, by the id of the batch."""
        return self._buckets.batches

    @property
    def report(self) -> Bucket[ReportRecord]:
        """The processed msgs."""
        return self._buckets.report

    @property
    def fail(self) -> Bucket[FailRecord]:
        """The failed msgs."""
        return self._buckets.fail

    def counts(self) -> BucketCounts:
        """Count the msgs of all buckets in one moment."""
        return self._buckets.counts()

    def story(self, id: str) -> Story | None:
        """Return what is known of a msg, wherever it is; None where nobody knows it.

        Where it is held all batches are read.
        """
        return self._buckets.story(id)

    def meta(self, key: str) -> int | None:
        """Return a number of the bucket `meta`, such as how many msgs were `generated`.

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
        _set_limit(target, name, value)


def _set_limit(limits: _pena.Limits, name: str, value: object) -> None:
    target = limits if hasattr(limits, name) else limits.timing
    unit, least, most = _BOUNDS[name]
    if unit == "time":
        setattr(target, name, duration(name, value))  # type: ignore[arg-type]
    elif unit == "keep":
        setattr(target, name, _keep(name, value))
    elif unit == "fraction":
        _settings.number(target, name, value)
    else:
        _settings.whole(target, name, value, least, most)
        if unit == "bytes":
            _settings.at_most(target, name, least, most)


def _keep(name: str, value: object) -> _pena.Keep:
    """Return for how long, or how many. A float may mean either, and so is neither."""
    keep = _pena.Keep()
    if value is None:
        return keep
    if isinstance(value, timedelta):
        keep.time = duration(name, value)
        return keep
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**64:
        keep.msgs = value
        return keep
    expected = "a timedelta, a whole number of msgs from 1, or None for ever"
    raise _settings.refused(name, value, expected)
