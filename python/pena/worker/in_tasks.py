"""Handlers that are coroutines: each msg a task, all in one loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from pena import _pena
from pena.worker.message import Msg
from pena.worker.running_handler import Call, Rules

AsyncHandler = Callable[[Msg], Awaitable[object]]
_NOW = timedelta(0)


class _Tasks:
    def __init__(self, engine: _pena.Worker, handler: AsyncHandler, rules: Rules) -> None:
        self._engine = engine
        self._handler = handler
        self._rules = rules
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._cancelled: dict[int, str] = {}  # by us, and why
        self._cancels: dict[int, asyncio.CancelledError] = {}  # by whomever
        self._over = asyncio.Event()

    async def work(self) -> None:
        loop = asyncio.get_running_loop()
        ready = self._engine.ready_descriptor()
        loop.add_reader(ready, self._take)
        try:
            await self._over.wait()
        except BaseException:
            # All is given back, before tasks that are cancelled make room for more.
            self._engine.stop()
            self._engine.stop()
            raise
        finally:
            loop.remove_reader(ready)
            for run in self._tasks:
                self._cancel(run, "given_back")
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _cancel(self, run: int, reason: str) -> None:
        self._cancelled[run] = reason
        self._tasks[run].cancel()

    def _take(self) -> None:
        for run, reason in self._engine.take_cancelled(_NOW):
            if run in self._tasks and reason in ("timed_out", "given_back"):
                self._cancel(run, reason)
        while (taken := self._engine.take(_NOW)) is not None:
            call = Call(self._engine, taken, self._rules)
            task = asyncio.ensure_future(self._handle(call))
            self._tasks[call.run] = task
            task.add_done_callback(lambda _, call=call: self._ended(call))  # type: ignore[misc]
        if not self._engine.running():
            self._over.set()

    async def _handle(self, call: Call) -> None:
        try:
            result = await self._handler(call.read())
        except asyncio.CancelledError as error:
            self._cancels[call.run] = error
        except KeyboardInterrupt:  # it is the loop's
            call.given_up()
            raise
        except BaseException as error:  # a handler's SystemExit ends its msg alone
            call.raised(error)
        else:
            call.returned(result)

    def _ended(self, call: Call) -> None:
        """Tell of one that was cancelled; it may not even have begun.

        A loop that ends cancels all of its tasks together: here it is known that it was that.
        """
        self._tasks.pop(call.run, None)
        reason = self._cancelled.pop(call.run, None)
        error = self._cancels.pop(call.run, None)
        if call.is_told:
            return
        if reason == "timed_out":
            call.timed_out()
        elif reason is None and error is not None:  # by the handler's own doing
            call.raised(error)
        else:
            call.given_up()


async def work(engine: _pena.Worker, handler: AsyncHandler, rules: Rules) -> None:
    """Work in the running loop until the worker has ended. Cancelled, what runs is given back."""
    await _Tasks(engine, handler, rules).work()
