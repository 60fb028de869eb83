"""A short model of the rules: what follows from what happens, beside the real dispatcher.

What the model foretells exactly is checked exactly. Which msgs travel together is the dispatcher's
choice, so a grant is checked against what may be granted; and so is what it forgets of msgs that
have ended, for only their calls have an order here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from pena.sim import Dispatcher

SECOND = 1_000_000  # times are in microseconds, as the dispatcher counts them
LEASE, GRACE, LINGER = 30 * SECOND, 4 * SECOND, SECOND // 50
RETRY_FACTOR, RETRY_MOST = 4, 10 * SECOND
WAITING = ("queue", "later")
DIGITS = "0123456789abcdefghijklmnopqrstuv"


def xid(number: int) -> str:
    """Return an id for a number: twelve bytes in base32hex."""
    bits = number.to_bytes(12, "big")
    value = int.from_bytes(bits, "big") << 4
    return "".join(DIGITS[value >> 5 * place & 31] for place in reversed(range(20)))


@dataclass
class Msg:
    """What the model knows of a message."""

    most: int  # how many deliveries it may have
    queue: str = "default"
    key: str = ""
    max_resends: int | None = None  # as it says itself
    attempt: int = 1  # the number of the delivery that runs or comes next
    failures: int = 0  # how often a client said that it failed
    due_at: int = 0  # where it is in `later`
    lost: list[str] = field(default_factory=list)  # batches that were lost whole with it
    bucket: str | None = "queue"  # None: it is forgotten
    accepted_at: int = 0
    ended_in: int = 0  # the call after which it was in `report` or `fail`

    @property
    def left(self) -> int:
        """How many deliveries it may have from the next one on."""
        return self.most - self.attempt + 1


@dataclass
class Held:
    """A batch that is not settled."""

    client: str
    msgs: set[str]
    ends_at: int
    lost: bool = False  # the grace runs


@dataclass
class Client:
    """A stream that is open."""

    batchsize: int
    short: bool
    queues: tuple[str, ...]


class Model(RuleBasedStateMachine):
    """One server, seen from outside."""

    @initialize(
        max_resends=st.sampled_from([3, 2, 1, 0]),
        fewest_pieces=st.sampled_from([1, 2, 16]),
        retry_first=st.sampled_from([SECOND, 0]),
        keep_reports=st.sampled_from([None, 1, 3]),
        keep_fails=st.sampled_from([None, 2]),
        meddles=st.booleans(),
    )
    def begin(
        self,
        max_resends: int,
        fewest_pieces: int,
        retry_first: int,
        keep_reports: int | None,
        keep_fails: int | None,
        meddles: bool,
    ) -> None:
        self.most = max_resends + 1
        self.retry_first = retry_first
        self.fewest_pieces = fewest_pieces
        self.sizes: dict[str, int] = {}  # of batches, when they were granted
        times = {"lease": LEASE / SECOND, "drop_grace": GRACE / SECOND, "linger": LINGER / SECOND}
        self.real = Dispatcher(
            max_resends=max_resends,
            fewest_pieces=fewest_pieces,
            retry_first=retry_first / SECOND,
            retry_factor=RETRY_FACTOR,
            retry_most=RETRY_MOST / SECOND,
            keep_reports=keep_reports,
            keep_fails=keep_fails,
            **times,
        )
        self.now = 0
        self.msgs: dict[str, Msg] = {}
        self.keys: dict[tuple[str, str], str] = {}  # which msg a queue's key names
        self.clients: dict[str, Client] = {}
        self.left: dict[str, int | None] = {}  # how many batches a client may still be sent
        self.closing: set[str] = set()
        self.batches: dict[str, Held] = {}
        self.over: dict[str, set[str]] = {}  # batches that are settled, for late reports
        self.kept = {"report": keep_reports, "fail": keep_fails}  # so many of them at most
        self.meddles = meddles  # somebody pauses and deletes, so that less comes to be lost
        self.paused: set[str] = set()
        self.calls = 1
        self.names = 0
        self.came_back = 0

    # ---- time passes

    def pass_time(self, by: int) -> None:
        """Go from one instant at which something is due to the next."""
        until = self.now + by
        while True:
            waits = [msg.due_at for msg in self.msgs.values() if msg.bucket == "later"]
            ends = [held.ends_at for held in self.batches.values()]
            due = min([*ends, *waits], default=until + 1)
            if self.somebody_waits():
                due = min(due, self.now + LINGER)  # what is granted then may end on the way too
            if due > until:
                break
            self.real.advance((due - self.now) / SECOND)
            self.now = due
            self.end_what_is_due()
            self.catch_up()
        self.real.advance((until - self.now) / SECOND)
        self.now = until
        self.catch_up()

    # ---- what follows

    def settle(self, batch: str, msgs: set[str]) -> None:
        """Its client is free, or has had all that it asked for."""
        held = self.batches.pop(batch)
        self.over[batch] = msgs
        if not held.lost and self.left[held.client] == 0:
            self.closing.add(held.client)
            del self.clients[held.client]

    def miss(self, id: str, word: str = "omitted", retry_in: int | None = None) -> None:
        """What a client said failed comes back after a while, everything else at once."""
        msg = self.msgs[id]
        msg.attempt += 1
        failed = word in ("failed", "retry", "final")
        msg.failures += failed
        if msg.left <= 0 or word == "final":
            self.end(id, "fail")
            return
        wait = 0
        if failed:
            backoff = min(self.retry_first * RETRY_FACTOR ** (msg.failures - 1), RETRY_MOST)
            wait = backoff if retry_in is None else retry_in
        msg.bucket = "later" if wait else "queue"
        if wait:
            due = self.real.due(id)
            assert due is not None
            msg.due_at = due // timedelta(microseconds=1)
            most = wait if retry_in is not None else wait * 5 // 4
            assert wait <= msg.due_at - self.now <= most

    def end(self, id: str, bucket: str) -> None:
        self.msgs[id].bucket = bucket
        self.msgs[id].ended_in = self.calls

    def forget(self, id: str) -> None:
        """It is known no longer, by its id or its key."""
        msg = self.msgs[id]
        msg.bucket = None
        if msg.key:
            del self.keys[msg.queue, msg.key]

    def end_what_is_due(self) -> None:
        for msg in self.msgs.values():
            if msg.bucket == "later" and msg.due_at <= self.now:
                msg.bucket = "queue"
                self.came_back += 1
        for batch, held in list(self.batches.items()):
            if held.ends_at > self.now:
                continue
            if not held.lost:
                held.lost, held.ends_at = True, self.now + GRACE
                self.closing.add(held.client)
                del self.clients[held.client]
                continue
            for id in held.msgs:
                self.msgs[id].lost.append(batch)
                self.miss(id)
                self.came_back += 1
            self.over[batch] = held.msgs
            del self.batches[batch]

    def free(self) -> set[str]:
        return self.clients.keys() - {h.client for h in self.batches.values() if not h.lost}

    def who_waits(self) -> set[str]:
        """Return those that are free while a msg of theirs is there."""
        queues = {msg.queue for msg in self.msgs.values() if msg.bucket == "queue"} - self.paused
        return {id for id in self.free() if queues & set(self.clients[id].queues)}

    def somebody_waits(self) -> bool:
        return bool(self.who_waits())

    # ---- what the real one did by itself

    def catch_up(self) -> None:
        """Look after each call at what it has led to."""
        self.calls += 1
        assert set(self.real.closed()) == self.closing
        self.closing.clear()
        for bucket, most in self.kept.items():
            if most is not None:
                self.take_forgotten(bucket, most)
        self.take_grants()

    def take_forgotten(self, bucket: str, most: int) -> None:
        """Of what has ended the newest are kept, as many as may be."""
        ended = {id: msg.ended_in for id, msg in self.msgs.items() if msg.bucket == bucket}
        gone = {id for id in ended if self.real.where(id) is None}
        kept = ended.keys() - gone
        assert len(kept) == min(most, len(ended))
        if gone:
            assert max(ended[id] for id in gone) <= min(ended[id] for id in kept)
        for id in gone:
            self.forget(id)

    def take_grants(self) -> None:
        for grant in self.real.grants():
            client = self.clients[grant.client]
            left = self.left[grant.client]
            assert left != 0, "a client is sent more than it asked for"
            self.left[grant.client] = left and left - 1
            assert not any(held.client == grant.client for held in self.batches.values())
            assert 1 <= len(grant.attempts) <= client.batchsize
            for id, attempt in grant.attempts.items():
                msg = self.msgs[id]
                assert msg.bucket == "queue"
                assert msg.queue in client.queues
                assert msg.queue not in self.paused
                assert attempt == msg.attempt
                msg.bucket = "batch"
            self.check_pieces(list(grant.attempts), client.short)
            self.sizes[grant.batch] = len(grant.attempts)
            at = grant.at // timedelta(microseconds=1)
            assert self.now - LINGER <= at <= self.now
            self.batches[grant.batch] = Held(grant.client, set(grant.attempts), at + LEASE)

    def check_pieces(self, ids: list[str], short: bool) -> None:
        """Of a lost batch one piece travels at most, as large as the attempts left allow."""
        pieces: dict[tuple[str, int], int] = {}
        piece_of: dict[str, tuple[str, int]] = {}
        for msg in (self.msgs[id] for id in ids if self.msgs[id].lost):
            piece = (msg.lost[-1], msg.left)
            pieces[piece] = pieces.get(piece, 0) + 1
            for lost in msg.lost:
                assert piece_of.setdefault(lost, piece) == piece, "two pieces of one lost batch"
        for (lost, left), size in pieces.items():
            assert left > 1 or sum(pieces.values()) == 1, "company at the last attempt"
            assert (size - 1) ** left < self.sizes[lost] ** (left - 1), "too large a piece"
            assert (size - 1) * self.fewest_pieces < self.sizes[lost], "too few pieces"
        if short and pieces:
            assert list(pieces.values()) == [len(ids)], "a piece with company"

    # ---- what always holds

    @invariant()
    def every_msg_is_where_the_rules_say(self) -> None:
        if not hasattr(self, "msgs"):
            return
        for id, msg in self.msgs.items():
            assert self.real.where(id) == msg.bucket

    @invariant()
    def nobody_waits_for_what_is_there(self) -> None:
        if not hasattr(self, "msgs"):
            return
        while self.somebody_waits():
            # A short batch may linger, and no longer; for one that takes it, not even that.
            assert not all(self.clients[id].short for id in self.who_waits())
            came_back = self.came_back
            self.pass_time(LINGER)
            # What came due or came back meanwhile may have begun another batch.
            assert not self.somebody_waits() or self.came_back > came_back
