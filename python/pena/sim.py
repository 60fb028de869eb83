"""Simulated worlds: the shipped engines in simulated time, among faults, judged by an oracle.

>>> from pena import sim
>>> outcome = sim.run(seed=7, faults=["drop", "server_crash"])
>>> outcome.broken is None
True

The command does the same for many seeds at once: ``pena sim --seeds 2000``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from pena import _pena
from pena._settings import plain_text, whole_number
from pena._times import duration

__all__ = ["Dispatcher", "Grant", "Outcome", "run"]


@dataclass(frozen=True)
class Outcome:
    """What became of a world."""

    seed: int
    broken: str | None
    """The law that was broken, as docs/simulator.md names it; None where all held."""
    what: str
    """The sentence that says how."""
    simulated: timedelta
    msgs: int
    reported: int
    failed: int
    digest: int
    """Equal for two runs of the same world."""
    history: tuple[str, ...]
    """A line for each thing that happened: the time in seconds, and what it was."""


def run(
    seed: int,
    faults: Iterable[str] | str = "all",
    *,
    swarm: bool = True,
    length: float = 300.0,
) -> Outcome:
    """Run the world of one seed to its end. Other threads go on meanwhile.

    Args:
        seed: names the world; with the same commit it always is the same one.
        faults: the kinds that may happen: "all", "none", or their words.
        swarm: leave some kinds out, as the seed draws them.
        length: of the part that has faults, in simulated seconds.

    Raises ValueError for a word that is no kind of fault, and for a number that cannot be.
    """
    words = faults if isinstance(faults, str) else ",".join(faults) or "none"
    native = _pena.run_world(
        whole_number("seed", seed), plain_text("faults", words), swarm, duration("length", length)
    )
    return Outcome(
        seed,
        native.broken,
        native.what,
        native.simulated,
        native.msgs,
        native.reported,
        native.failed,
        native.digest,
        tuple(native.history),
    )


@dataclass(frozen=True)
class Grant:
    """A batch that was granted, and which attempt it is for each of its msgs."""

    client: str
    batch: str
    at: timedelta
    """Since the dispatcher's first start."""
    attempts: dict[str, int]


class Dispatcher:
    """The real dispatcher on a store in memory, moved by hand. Nothing happens between two calls.

    Each call is one event and one commit; time passes in :meth:`advance` alone. One thread.
    """

    def __init__(
        self,
        *,
        max_resends: int = 3,
        retry_first: float = 1.0,
        retry_factor: int = 4,
        retry_most: float = 600.0,
        lease: float = 30.0,
        drop_grace: float = 4.0,
        linger: float = 0.02,
        window_msgs: int = 64,
        fewest_pieces: int = 16,
        keep_reports: int | None = None,
        keep_fails: int | None = None,
    ) -> None:
        """Start with an empty store. Times are in seconds; None keeps what has ended for ever.

        Raises ValueError where the limits do not fit together.
        """
        limits = _pena.ServerSettings().limits
        limits.max_resends = max_resends
        limits.retry_first = timedelta(seconds=retry_first)
        limits.retry_factor = retry_factor
        limits.retry_most = timedelta(seconds=retry_most)
        limits.linger = timedelta(seconds=linger)
        limits.batchsize = window_msgs // 2
        limits.window_msgs = window_msgs
        limits.fewest_pieces = fewest_pieces
        timing = limits.timing
        timing.lease = timedelta(seconds=lease)
        timing.drop_grace = timedelta(seconds=drop_grace)
        limits.timing = timing
        limits.keep_reports = _keep(keep_reports)
        limits.keep_fails = _keep(keep_fails)
        self._native = _pena.Bench(limits)

    def submit(
        self,
        ids: Iterable[str],
        *,
        queue: str = "default",
        delay: float | None = None,
        max_resends: int | None = None,
        keys: Iterable[str] = (),
    ) -> dict[str, str] | None:
        """Hand in msgs under these ids, the first of them with these keys.

        Returns those that were known, by id or key, and what they are known as: they are accepted
        once. None where one of them is known and says something else: then none was taken.
        """
        wait = None if delay is None else timedelta(seconds=delay)
        known = self._native.submit(list(ids), queue, wait, max_resends, list(keys))
        return None if known is None else dict(known)

    def join(
        self,
        batchsize: int,
        *,
        short: bool = False,
        batches: int | None = None,
        queues: Iterable[str] = (),
    ) -> str:
        """Open a stream, of `default` where no queues are named; return the client's id."""
        return self._native.join(batchsize, short, batches, list(queues))

    def lose(self, client: str) -> None:
        """End a stream."""
        self._native.lose(client)

    def report(
        self,
        ids: Iterable[str] = (),
        *,
        batch: str | None = None,
        failed: Iterable[str] = (),
        retry_in: Mapping[str, float] | None = None,
        final: Iterable[str] = (),
        refused: Iterable[str] = (),
        partial: bool = False,
        last: bool = False,
    ) -> tuple[int, int, int]:
        """Report; return how many ids were reported, duplicate and unknown.

        `failed` come back after the backoff, those of `retry_in` after so many seconds, and those
        of `final` never.
        """
        said = [
            *((id, None, False) for id in failed),
            *((id, timedelta(seconds=wait), False) for id, wait in (retry_in or {}).items()),
            *((id, None, True) for id in final),
        ]
        return self._native.report(list(ids), batch, said, list(refused), partial, last)

    def leave(self, client: str) -> int:
        """Say that the client takes no more; return how many msgs it holds.

        Its stream ends at once where it holds none, and otherwise when its batch is settled. Of a
        client that is not connected it says nothing, and returns 0.
        """
        return self._native.leave(client)

    def pause(self, queue: str) -> None:
        """Grant nothing of that queue from here on."""
        self._native.pause(queue, True)

    def resume(self, queue: str) -> None:
        """Grant of it again."""
        self._native.pause(queue, False)

    def delete_waiting(
        self, ids: Iterable[str] | None = None, *, queue: str | None = None
    ) -> tuple[int, int]:
        """Delete these, as far as they wait; where none are named all of that queue, or of any.

        Of all that wait those are meant that were accepted before: some time has passed since.
        Returns how many were deleted, and how many ids did not wait.
        """
        # Sorted, and each once, as a request's are.
        return self._native.delete_waiting(None if ids is None else sorted(set(ids)), queue)

    def advance(self, seconds: float) -> None:
        """Let time pass; what is due on the way happens at its instant."""
        self._native.advance(timedelta(seconds=seconds))

    def restart(self) -> None:
        """Start anew on the same store; all streams are gone."""
        self._native.restart()

    def grants(self) -> list[Grant]:
        """Return what was granted since the last call."""
        return [
            Grant(client, batch, at, dict(msgs))
            for client, batch, at, msgs in self._native.take_grants()
        ]

    def closed(self) -> list[str]:
        """Return the clients whose streams the server closed since the last call."""
        return self._native.take_closed()

    def due(self, id: str) -> timedelta | None:
        """Return when a msg is due, since the first start; None where it is not in `later`."""
        return self._native.due(id)

    def where(self, id: str) -> str | None:
        """Return the bucket that a msg is in; None for an id that is not known."""
        return self._native.where(id)


def _keep(msgs: int | None) -> _pena.Keep:
    keep = _pena.Keep()
    keep.msgs = msgs
    return keep
