"""Hypothesis looks for a difference between the model of the rules and the real dispatcher.

It makes up clients, losses, reports and restarts, pauses, and what is deleted; the dispatcher runs
in this process, in simulated time. The model is support/model.py.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from support.model import (
    GRACE,
    LEASE,
    LINGER,
    RETRY_MOST,
    SECOND,
    WAITING,
    Client,
    Model,
    Msg,
    xid,
)

QUEUES = st.sampled_from(["default", "mail"])
OTHERS = ("final", "refused", "omitted")


class Rules(Model):
    """What may happen."""

    # ---- what submitters, clients and time do

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
        self.hand_in(ids, queue, delay, max_resends, keys[:count])

    @precondition(lambda self: self.msgs)
    @rule(data=st.data(), queue=QUEUES, delay=st.sampled_from([None, SECOND]))
    def submit_again(self, data: st.DataObject, queue: str, delay: int | None) -> None:
        """What is known is what it was submitted as; what is forgotten is a new msg."""
        id = data.draw(st.sampled_from(sorted(self.msgs)))
        msg = self.msgs[id]
        self.hand_in([id], queue, delay, msg.max_resends, [msg.key] if msg.key else [])

    def hand_in(
        self,
        ids: list[str],
        queue: str,
        delay: int | None,
        max_resends: int | None,
        keys: list[str],
    ) -> None:
        wait = None if delay is None else delay / SECOND
        answer = self.real.submit(ids, queue=queue, delay=wait, max_resends=max_resends, keys=keys)
        named = dict(zip(ids, keys, strict=False))
        known = {
            id: self.keys[queue, key] for id, key in named.items() if (queue, key) in self.keys
        }
        known |= {id: id for id in ids if id in self.msgs and self.msgs[id].bucket is not None}
        most = self.most if max_resends is None else max_resends + 1
        msgs = [self.msgs[id] for id in known.values()]
        if any((msg.queue, msg.most) != (queue, most) for msg in msgs):
            assert answer is None
            return
        assert answer == known
        for id in ids:
            if id in known:
                continue
            key = named.get(id, "")
            msg = self.msgs[id] = Msg(most, queue, key, max_resends, accepted_at=self.now)
            if key:
                self.keys[queue, key] = id
            if delay is not None:
                msg.bucket, msg.due_at = "later", self.now + delay
        self.catch_up()

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
        self.catch_up()

    @precondition(lambda self: len(self.clients) > 1)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        client = data.draw(st.sampled_from(sorted(self.clients)))
        del self.clients[client]
        for held in self.batches.values():
            if held.client == client and not held.lost:
                held.lost, held.ends_at = True, self.now + GRACE
        self.real.lose(client)
        self.catch_up()

    @precondition(lambda self: self.left)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        """Free, a client is gone at once; busy, with its batch; one that is gone stays so."""
        client = data.draw(st.sampled_from(sorted(self.left)))
        held = [h.msgs for h in self.batches.values() if h.client == client and not h.lost]
        assert self.real.leave(client) == sum(map(len, held))
        self.left[client] = 0
        if client in self.clients and not held:
            self.closing.add(client)
            del self.clients[client]
        self.catch_up()

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
                self.end(id, "report")
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
        self.catch_up()

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
        self.catch_up()
        self.pass_time(RETRY_MOST * 5 // 4)

    @precondition(lambda self: self.msgs)
    @rule(data=st.data())
    def report_list(self, data: st.DataObject) -> None:
        """Ids by themselves settle a batch where they are all of one, otherwise each its msg."""
        some = st.lists(st.sampled_from(sorted(self.msgs)), min_size=1, max_size=4, unique=True)
        ids = data.draw(some)
        holders = {id: batch for batch, held in self.batches.items() for id in held.msgs}
        whole = len({holders.get(id) for id in ids}) == 1
        known = [id for id in ids if id in holders]
        others = [id for id in ids if id not in holders]
        answer = self.real.report(ids)
        for id in known:
            self.end(id, "report")
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
        self.catch_up()
        done = sum(self.msgs[id].bucket == "report" for id in others)  # as it is answered
        assert answer == (len(known), done, len(others) - done)

    @precondition(lambda self: self.over)
    @rule(data=st.data())
    def report_late(self, data: st.DataObject) -> None:
        """A retry names its batch, and settles nothing newer."""
        batch = data.draw(st.sampled_from(sorted(self.over)))
        ids = sorted(self.over[batch])
        done = sum(self.msgs[id].bucket == "report" for id in ids)
        assert self.real.report(ids, batch=batch) == (0, done, len(ids) - done)
        self.catch_up()

    @rule(by=st.sampled_from([1, LINGER, 2 * SECOND, GRACE - 1, GRACE, LEASE, LEASE + GRACE]))
    def advance(self, by: int) -> None:
        self.pass_time(by)

    @precondition(lambda self: len(self.batches) > 1 or self.paused)
    @rule(batchsize=st.integers(1, 5), queues=st.lists(QUEUES, max_size=2, unique=True))
    def restart(self, batchsize: int, queues: list[str]) -> None:
        """A client comes back first of all."""
        self.clients.clear()
        for held in self.batches.values():
            held.lost, held.ends_at = True, self.now + GRACE
        self.real.restart()
        self.catch_up()
        self.join(batchsize, short=False, batches=None, queues=queues)

    # ---- what whoever runs the server does

    @precondition(lambda self: self.meddles)
    @rule(queue=QUEUES, paused=st.booleans())
    def pause(self, queue: str, paused: bool) -> None:
        """A queue need have no msg, and may be paused already."""
        if paused:
            self.real.pause(queue)
            self.paused.add(queue)
        else:
            self.real.resume(queue)
            self.paused.discard(queue)
        self.catch_up()

    @precondition(lambda self: self.meddles and self.msgs)
    @rule(data=st.data())
    def delete_some(self, data: st.DataObject) -> None:
        """What is held or has ended is left alone, and so is what is not named."""
        some = st.lists(st.sampled_from(sorted(self.msgs)), min_size=1, max_size=4, unique=True)
        ids = data.draw(some)
        waiting = [id for id in ids if self.msgs[id].bucket in WAITING]
        assert self.real.delete_waiting(ids) == (len(waiting), len(ids) - len(waiting))
        for id in waiting:
            self.forget(id)
        self.catch_up()

    @precondition(lambda self: self.meddles and len(self.msgs) > 8)
    @rule(queue=st.one_of(QUEUES, st.none()))
    def delete_all(self, queue: str | None) -> None:
        """All that wait when the request comes, be it in the same moment."""
        waiting = [
            id
            for id, msg in self.msgs.items()
            if msg.bucket in WAITING and queue in (None, msg.queue)
        ]
        assert self.real.delete_waiting(queue=queue) == (len(waiting), 0)
        for id in waiting:
            self.forget(id)
        self.catch_up()


Rules.TestCase.settings = settings(
    max_examples=400,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestRules = Rules.TestCase
