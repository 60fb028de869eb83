"""The rules as a short model, and Hypothesis looking for a difference to the real dispatcher.

Hypothesis makes up the clients, losses, reports and restarts; the dispatcher runs in this process,
in simulated time. What the model foretells exactly is checked exactly; which msgs travel together
is the dispatcher's choice, so a grant is checked against what may be granted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pena.sim import Dispatcher

SECOND = 1_000_000  # times are in microseconds, as the dispatcher counts them
LEASE, GRACE, LINGER = 30 * SECOND, 4 * SECOND, SECOND // 50
DIGITS = "0123456789abcdefghijklmnopqrstuv"


def xid(number: int) -> str:
    """Return an id for a number: twelve bytes in base32hex."""
    bits = number.to_bytes(12, "big")
    value = int.from_bytes(bits, "big") << 4
    return "".join(DIGITS[value >> 5 * place & 31] for place in reversed(range(20)))


@dataclass
class Msg:
    """What the model knows of a message."""

    attempt: int = 1  # the number of the delivery that runs or comes next
    lost: list[str] = field(default_factory=list)  # batches that were lost whole with it
    bucket: str = "queue"


@dataclass
class Held:
    """A batch that is not settled."""

    client: str
    msgs: set[str]
    ends_at: int
    lost: bool = False  # the grace runs


class Rules(RuleBasedStateMachine):
    """One server, seen from outside."""

    @initialize(max_resends=st.integers(0, 3), fewest_pieces=st.sampled_from([1, 2, 16]))
    def begin(self, max_resends: int, fewest_pieces: int) -> None:
        self.most = max_resends + 1
        self.fewest_pieces = fewest_pieces
        self.sizes: dict[str, int] = {}  # of batches, when they were granted
        times = {"lease": LEASE / SECOND, "drop_grace": GRACE / SECOND, "linger": LINGER / SECOND}
        self.real = Dispatcher(max_resends=max_resends, fewest_pieces=fewest_pieces, **times)
        self.now = 0
        self.msgs: dict[str, Msg] = {}
        self.clients: dict[str, tuple[int, bool]] = {}  # batchsize, takes short batches
        self.left: dict[str, int | None] = {}  # how many batches a client may still be sent
        self.closing: set[str] = set()
        self.batches: dict[str, Held] = {}
        self.over: dict[str, set[str]] = {}  # batches that are settled, for late reports
        self.names = 0

    # ---- what may happen

    @rule(count=st.integers(1, 8))
    def submit(self, count: int) -> None:
        ids = [xid((1 << 90) + self.names + n) for n in range(count)]
        self.names += count
        self.msgs |= {id: Msg() for id in ids}
        self.real.submit(ids)
        self.take_grants()

    @precondition(lambda self: self.msgs)
    @rule(data=st.data())
    def submit_again(self, data: st.DataObject) -> None:
        self.real.submit([data.draw(st.sampled_from(sorted(self.msgs)))])
        self.take_grants()

    @precondition(lambda self: len(self.clients) < 5)
    @rule(batchsize=st.integers(1, 5), short=st.booleans(), batches=st.sampled_from([None, 1, 2]))
    def join(self, batchsize: int, short: bool, batches: int | None) -> None:
        client = self.real.join(batchsize, short=short, batches=batches)
        assert client not in self.clients
        self.clients[client] = (batchsize, short)
        self.left[client] = batches
        self.take_grants()

    @precondition(lambda self: self.clients)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        client = data.draw(st.sampled_from(sorted(self.clients)))
        del self.clients[client]
        for held in self.batches.values():
            if held.client == client and not held.lost:
                held.lost, held.ends_at = True, self.now + GRACE
        self.real.lose(client)
        self.take_grants()

    @precondition(lambda self: self.batches)
    @rule(data=st.data(), partial=st.booleans(), names_batch=st.booleans(), last=st.booleans())
    def report(self, data: st.DataObject, partial: bool, names_batch: bool, last: bool) -> None:
        batch = data.draw(st.sampled_from(sorted(self.batches)))
        held = self.batches[batch]
        said = {
            id: data.draw(st.sampled_from(["done", "failed", "refused", "omitted"]))
            for id in sorted(held.msgs)
        }
        named: dict[str, list[str]] = {}
        for id, word in said.items():
            named.setdefault(word, []).append(id)
        if not names_batch and len(named.get("omitted", [])) == len(said):
            return  # without its batch such a report says nothing
        answer = self.real.report(
            named.get("done", []),
            batch=batch if names_batch else None,
            failed=named.get("failed", []),
            refused=named.get("refused", []),
            partial=partial,
            last=last and names_batch,
        )
        assert answer == (len(named.get("done", [])), 0, 0)
        if last and names_batch and not held.lost:
            self.left[held.client] = 0
        for id, word in said.items():
            if word == "done":
                self.msgs[id].bucket = "report"
            elif word != "omitted" or not partial:
                self.miss(id)
            else:
                continue
            held.msgs.discard(id)
        if held.msgs and partial:
            if not held.lost:
                held.ends_at = self.now + LEASE
        else:
            self.settle(batch, set(said))
        self.take_grants()

    @precondition(lambda self: self.msgs)
    @rule(data=st.data())
    def report_list(self, data: st.DataObject) -> None:
        """Ids by themselves settle a batch where they are all of one, otherwise each its msg."""
        some = st.lists(st.sampled_from(sorted(self.msgs)), min_size=1, max_size=4, unique=True)
        ids = data.draw(some)
        holders = {id: batch for batch, held in self.batches.items() for id in held.msgs}
        whole = len({holders.get(id) for id in ids}) == 1
        known = [id for id in ids if id in holders]
        done = sum(self.msgs[id].bucket == "report" for id in ids)
        assert self.real.report(ids) == (len(known), done, len(ids) - len(known) - done)
        for id in known:
            self.msgs[id].bucket = "report"
            self.batches[holders[id]].msgs.discard(id)
        for batch in {holders[id] for id in known}:
            held = self.batches[batch]
            if whole:
                for id in held.msgs:
                    self.miss(id)
            elif held.msgs:
                if not held.lost:
                    held.ends_at = self.now + LEASE
                continue
            self.settle(batch, held.msgs | {id for id in known if holders[id] == batch})
        self.take_grants()

    @precondition(lambda self: self.over)
    @rule(data=st.data())
    def report_late(self, data: st.DataObject) -> None:
        """A retry names its batch, and settles nothing newer."""
        batch = data.draw(st.sampled_from(sorted(self.over)))
        ids = sorted(self.over[batch])
        done = sum(self.msgs[id].bucket == "report" for id in ids)
        assert self.real.report(ids, batch=batch) == (0, done, len(ids) - done)
        self.take_grants()

    @rule(by=st.sampled_from([1, LINGER, SECOND, GRACE - 1, GRACE, LEASE, LEASE + GRACE]))
    def advance(self, by: int) -> None:
        until = self.now + by
        while True:
            due = min((held.ends_at for held in self.batches.values()), default=until + 1)
            if self.somebody_waits():
                due = min(due, self.now + LINGER)  # what is granted then may end on the way too
            if due > until:
                break
            self.real.advance((due - self.now) / SECOND)
            self.now = due
            self.end_what_is_due()
            self.take_grants()
        self.real.advance((until - self.now) / SECOND)
        self.now = until
        self.take_grants()

    @rule()
    def restart(self) -> None:
        self.clients.clear()
        for held in self.batches.values():
            held.lost, held.ends_at = True, self.now + GRACE
        self.real.restart()
        self.take_grants()

    # ---- the rules

    def settle(self, batch: str, msgs: set[str]) -> None:
        """Its client is free, or has had all that it asked for."""
        held = self.batches.pop(batch)
        self.over[batch] = msgs
        if not held.lost and self.left[held.client] == 0:
            self.closing.add(held.client)
            del self.clients[held.client]

    def miss(self, id: str) -> None:
        msg = self.msgs[id]
        msg.attempt += 1
        msg.bucket = "queue" if msg.attempt <= self.most else "fail"

    def end_what_is_due(self) -> None:
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
            self.over[batch] = held.msgs
            del self.batches[batch]

    def free(self) -> set[str]:
        return self.clients.keys() - {h.client for h in self.batches.values() if not h.lost}

    def somebody_waits(self) -> bool:
        return any(msg.bucket == "queue" for msg in self.msgs.values()) and bool(self.free())

    def take_grants(self) -> None:
        assert set(self.real.closed()) == self.closing
        self.closing.clear()
        for grant in self.real.grants():
            batchsize, short = self.clients[grant.client]
            left = self.left[grant.client]
            assert left != 0, "a client is sent more than it asked for"
            self.left[grant.client] = left and left - 1
            assert not any(held.client == grant.client for held in self.batches.values())
            assert 1 <= len(grant.attempts) <= batchsize
            for id, attempt in grant.attempts.items():
                msg = self.msgs[id]
                assert msg.bucket == "queue"
                assert attempt == msg.attempt
                msg.bucket = "batch"
            self.check_pieces(list(grant.attempts), short)
            self.sizes[grant.batch] = len(grant.attempts)
            at = grant.at // timedelta(microseconds=1)
            assert self.now - LINGER <= at <= self.now
            self.batches[grant.batch] = Held(grant.client, set(grant.attempts), at + LEASE)

    def check_pieces(self, ids: list[str], short: bool) -> None:
        """Of a lost batch one piece travels at most, as large as the attempts left allow."""
        pieces: dict[tuple[str, int], int] = {}
        piece_of: dict[str, tuple[str, int]] = {}
        for msg in (self.msgs[id] for id in ids if self.msgs[id].lost):
            piece = (msg.lost[-1], msg.attempt)
            pieces[piece] = pieces.get(piece, 0) + 1
            for lost in msg.lost:
                assert piece_of.setdefault(lost, piece) == piece, "two pieces of one lost batch"
        for (lost, attempt), size in pieces.items():
            left = self.most - attempt + 1
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
        if self.somebody_waits():
            # A short batch may linger, and no longer; for one that takes it, not even that.
            assert not all(self.clients[client][1] for client in self.free())
            self.advance(LINGER)
            assert not self.somebody_waits()


Rules.TestCase.settings = settings(
    max_examples=300,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestRules = Rules.TestCase
