"""Both classes of queues behind the calls of one of them, so that each test is for both."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import pena

R = TypeVar("R")


class InLoop:
    """An AsyncQueue that is called like a Queue: each call runs in a loop of its own thread."""

    def __init__(self, url: str, name: str = "default", **settings: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        try:
            self._queue = pena.AsyncQueue(url, name, **settings)
        except BaseException:
            self._end()
            raise

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._queue, name)
        if not callable(method):
            return method

        def call(*args: Any, **more: Any) -> Any:
            got = method(*args, **more)
            return InLoopReading(got, self._do) if isinstance(got, AsyncIterator) else self._do(got)

        return call

    def __repr__(self) -> str:
        return repr(self._queue)

    def __enter__(self) -> InLoop:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._end()

    def close(self) -> None:
        self._do(self._queue.close())

    def _do(self, what: Awaitable[R]) -> R:
        async def awaited() -> R:
            return await what

        return asyncio.run_coroutine_threadsafe(awaited(), self._loop).result()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class InLoopReading(Generic[R]):
    """An asynchronous iterator that is iterated over in that loop."""

    def __init__(self, reading: Any, do: Callable[[Awaitable[Any]], Any]) -> None:
        self._reading, self._do = reading, do

    def __iter__(self) -> Iterator[R]:
        return self

    def __next__(self) -> R:
        try:
            return self._do(self._reading.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None

    @property
    def since(self) -> int:
        return self._reading.since


KINDS = {"Queue": pena.Queue, "AsyncQueue": InLoop}


class Trouble(logging.Handler):
    """What queues warn of, as it comes."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []
        self.met = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())
        self.met.set()


@contextmanager
def trouble() -> Iterator[Trouble]:
    """Listen to ``pena.queue``."""
    handler = Trouble()
    logging.getLogger("pena.queue").addHandler(handler)
    try:
        yield handler
    finally:
        logging.getLogger("pena.queue").removeHandler(handler)


@contextmanager
def beside(work: Callable[[], object]) -> Iterator[list[Any]]:
    """Run `work` in a thread meanwhile. What it returns or raises is in the list at the end.

    Where a test fails before that, nobody waits for it: what it waits for may never come.
    """
    came: list[Any] = []

    def run() -> None:
        try:
            came.append(work())
        except BaseException as error:
            came.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield came
    thread.join()
