"""Handlers that are coroutines: each message a task, all in one loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from pena import _pena
from pena.worker.message import Msg
from pena.worker.outcomes import TimedOut
from pena.worker.running_handler import Call, Rules

AsyncHandler = Callable[[Msg], Awaitable[object]]
_NOW = timedelta(0)


class _Tasks:
    def __init__(self, engine: _pena.Worker, handler: AsyncHandler, rules: Rules) -> None:
        self._engine = engine
        self._handler = handler
        self._rules = rules
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._timed_out: set[int] = set()
        self._over = asyncio.Event()

    async def work(self) -> None:
        loop = asyncio.get_running_loop()
        ready = self._engine.ready_descriptor()
        loop.add_reader(ready, self._take)
        try:
            await self._over.wait()
        finally:
            loop.remove_reader(ready)
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _take(self) -> None:
        for run, reason in self._engine.take_cancelled(_NOW):
            task = self._tasks.get(run)
            if task is not None and reason in ("timed_out", "given_back"):
                if reason == "timed_out":
                    self._timed_out.add(run)
                task.cancel()
        while (taken := self._engine.take(_NOW)) is not None:
            call = Call(self._engine, taken, self._rules)
            self._tasks[call.run] = asyncio.ensure_future(self._handle(call))
        if not self._engine.running():
            self._over.set()

    async def _handle(self, call: Call) -> None:
        try:
            result = await self._handler(call.msg)
        except asyncio.CancelledError:
            if call.run in self._timed_out:
                call.timed_out(TimedOut())
            else:
                call.given_up()
        except Exception as error:
            call.raised(error)
        except BaseException as error:  # such as SystemExit, which goes on to end the loop
            call.raised(error)
            raise
        else:
            call.returned(result)
        finally:
            self._tasks.pop(call.run, None)
            self._timed_out.discard(call.run)


async def work(engine: _pena.Worker, handler: AsyncHandler, rules: Rules) -> None:
    """Work in the running loop until the worker has ended. Cancelled, what runs is given back."""
    await _Tasks(engine, handler, rules).work()
