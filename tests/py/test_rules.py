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
RETRY_FACTOR, RETRY_MOST = 4, 10 * SECOND
QUEUES = st.sampled_from(["default", "mail"])
OTHERS = ("final", "refused", "omitted")
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
    bucket: str = "queue"

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


class Rules(RuleBasedStateMachine):
    """One server, seen from outside."""

    @initialize(
        max_resends=st.sampled_from([3, 2, 1, 0]),
        fewest_pieces=st.sampled_from([1, 2, 16]),
        retry_first=st.sampled_from([SECOND, 0]),
    )
    def begin(self, max_resends: int, fewest_pieces: int, retry_first: int) -> None:
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
        self.names = 0
        self.came_due = 0

    # ---- what may happen

    @rule(
        count=st.integers(1, 8),
        queue=QUEUES,
        delay=st.sampled_from([None, None, 1, SECOND, GRACE + 1, LEASE]),
        max_resends=st.sampled_from([None, None, 0, 1, 5]),
        keys=st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=2, unique=True),
    )
    def submit(
        self,
        count: int,
        queue: str,
        delay: int | None,
        max_resends: int | None,
        keys: list[str],
    ) -> None:
        """A msg whose key is known is taken once; where it says something else, none is taken."""
        ids = [xid((1 << 90) + self.names + n) for n in range(count)]
        self.names += count
        wait = None if delay is None else delay / SECOND
        answer = self.real.submit(
            ids, queue=queue, delay=wait, max_resends=max_resends, keys=keys[:count]
        )
        named = dict(zip(ids, keys, strict=False))
        known = {
            id: self.keys[queue, key] for id, key in named.items() if (queue, key) in self.keys
        }
        most = self.most if max_resends is None else max_resends + 1
        if any(self.msgs[id].most != most for id in known.values()):
            assert answer is None
            return
        assert answer == known
        for id in ids:
            if id in known:
                continue
            key = named.get(id, "")
            msg = self.msgs[id] = Msg(most, queue, key, max_resends)
            if key:
                self.keys[queue, key] = id
            if delay is not None:
                msg.bucket, msg.due_at = "later", self.now + delay
        self.take_grants()

    @precondition(lambda self: self.msgs)
    @rule(data=st.data(), queue=QUEUES, delay=st.sampled_from([None, SECOND]))
    def submit_again(self, data: st.DataObject, queue: str, delay: int | None) -> None:
        """A known msg is what it was submitted as, in its queue and nowhere else."""
        id = data.draw(st.sampled_from(sorted(self.msgs)))
        msg = self.msgs[id]
        keys = [msg.key] if msg.key else []
        wait = None if delay is None else delay / SECOND
        more = {"delay": wait, "max_resends": msg.max_resends, "keys": keys}
        answer = self.real.submit([id], queue=queue, **more)
        assert answer == ({id: id} if queue == msg.queue else None)
        self.take_grants()

    @precondition(lambda self: len(self.clients) < 5)
    @rule(
        batchsize=st.integers(1, 5),
        short=st.booleans(),
        batches=st.sampled_from([None, 1, 2]),
        queues=st.lists(QUEUES, max_size=2, unique=True),
    )
    def join(self, batchsize: int, short: bool, batches: int | None, queues: list[str]) -> None:
        client = self.real.join(batchsize, short=short, batches=batches, queues=queues)
        assert client not in self.clients
        self.clients[client] = Client(batchsize, short, tuple(queues) or ("default",))
        self.left[client] = batches
        self.take_grants()

    @precondition(lambda self: len(self.clients) > 1)
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
            id: data.draw(st.sampled_from(["failed", "done", "retry", *OTHERS]))
            for id in sorted(held.msgs)
        }
        named: dict[str, list[str]] = {}
        for id, word in said.items():
            named.setdefault(word, []).append(id)
        if not names_batch and len(named.get("omitted", [])) == len(said):
            return  # without its batch such a report says nothing
        retry_in = {id: data.draw(st.sampled_from([0, 1, GRACE])) for id in named.get("retry", [])}
        answer = self.real.report(
            named.get("done", []),
            batch=batch if names_batch else None,
            failed=named.get("failed", []),
            retry_in={id: wait / SECOND for id, wait in retry_in.items()},
            final=named.get("final", []),
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
                self.miss(id, word, retry_in.get(id))
            else:
                continue
            held.msgs.discard(id)
        if held.msgs and partial:
            if not held.lost:
                held.ends_at = self.now + LEASE
        else:
            self.settle(batch, set(said))
        self.take_grants()

    @precondition(lambda self: self.batches)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        """All of a batch failed, and the time of its backoff passes."""
        batch = data.draw(st.sampled_from(sorted(self.batches)))
        ids = set(self.batches[batch].msgs)
        assert self.real.report(batch=batch, failed=ids) == (0, 0, 0)
        for id in ids:
            self.miss(id, "failed")
        self.settle(batch, ids)
        self.take_grants()
        self.advance(RETRY_MOST * 5 // 4)

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

    @rule(by=st.sampled_from([1, LINGER, 2 * SECOND, GRACE - 1, GRACE, LEASE, LEASE + GRACE]))
    def advance(self, by: int) -> None:
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
            self.take_grants()
        self.real.advance((until - self.now) / SECOND)
        self.now = until
        self.take_grants()

    @precondition(lambda self: len(self.batches) > 1)
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

    def miss(self, id: str, word: str = "omitted", retry_in: int | None = None) -> None:
        """What a client said failed comes back after a while, everything else at once."""
        msg = self.msgs[id]
        msg.attempt += 1
        failed = word in ("failed", "retry", "final")
        msg.failures += failed
        if msg.left <= 0 or word == "final":
            msg.bucket = "fail"
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

    def end_what_is_due(self) -> None:
        for msg in self.msgs.values():
            if msg.bucket == "later" and msg.due_at <= self.now:
                msg.bucket = "queue"
                self.came_due += 1
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

    def who_waits(self) -> set[str]:
        """Return those that are free while a msg of theirs is there."""
        queues = {msg.queue for msg in self.msgs.values() if msg.bucket == "queue"}
        return {id for id in self.free() if queues & set(self.clients[id].queues)}

    def somebody_waits(self) -> bool:
        return bool(self.who_waits())

    def take_grants(self) -> None:
        assert set(self.real.closed()) == self.closing
        self.closing.clear()
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
            came_due = self.came_due
            self.advance(LINGER)
            # What came due meanwhile may have begun another batch.
            assert not self.somebody_waits() or self.came_due > came_due


Rules.TestCase.settings = settings(
    max_examples=300,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestRules = Rules.TestCase
