"""Queues under threads, after a fork, and beside a loop that must go on."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

import pena
from pena import _asking, async_queue
from support.lossy import LossyProxy
from support.poll import until
from support.ports import held_port
from support.process import python
from support.queues import beside, trouble


@pytest.fixture
def server() -> Iterator[pena.Server]:
    with pena.Server(generate=False) as server:
        yield server


def test_threads_share_a_queue(server: pena.Server) -> None:
    came: list[tuple[str, tuple[int, int]]] = []
    with pena.Queue(server.url) as queue:

        def work(thread: int) -> None:
            for n in range(200):
                id = queue.submit_one([thread, n])
                came.append((id, (thread, n)))
                story = queue.get(id=id)
                assert story is not None
                assert story.payload == [thread, n]  # and not what another thread asked for

        with ExitStack() as stack:
            ended = [stack.enter_context(beside(lambda n=n: work(n))) for n in range(8)]
        assert ended == [[None]] * 8
        assert server.stats.connections <= 8
    assert {id: msg.payload for id, msg in server.queue.items()} == {
        id: list(payload) for id, payload in came
    }
    assert len(server.queue) == 1600


FORKS = """
import os, warnings, pena
warnings.simplefilter("ignore")  # of newer Pythons, about forks beside threads
with pena.Server(generate=False) as server, pena.Queue(server.url) as queue:
    parents = pena.parse_xid(queue.submit_one("before"))
    lock = pena.xid._maker._lock  # as if another thread made an id while the fork comes
    children = []
    for child in range(5):
        lock.acquire()
        pid = os.fork()
        if pid == 0:
            own = pena.parse_xid(pena.make_xid())
            assert (own.machine, own.process) != (parents.machine, parents.process)
            for n in range(200):
                id = queue.submit_one([child, n])
                assert queue.get(id=id).payload == [child, n]
            queue.close()
            os._exit(0)
        lock.release()
        children.append(pid)
    for n in range(200):
        id = queue.submit_one(["parent", n])
        assert queue.get(id=id).payload == ["parent", n]
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    assert codes == [0] * 5, codes
    assert len(server.queue) == 1201, len(server.queue)
"""


@pytest.mark.forks
def test_a_forked_child_goes_on_with_the_queue_of_its_parent() -> None:
    ended = python(FORKS)
    assert (ended.returncode, ended.stderr) == (0, "")


ASYNC_FORK = """
import asyncio, os, sys, warnings, pena
warnings.simplefilter("ignore")
sys.setswitchinterval(1e-6)  # the first threads of a child get into each other's way
with pena.Server(generate=False) as server:
    queue = pena.AsyncQueue(server.url)
    async def submit(name):
        ids = await asyncio.gather(*(queue.submit_one([name, n]) for n in range(16)))
        stories = await asyncio.gather(*(queue.get(id=id) for id in ids))
        assert [story.payload for story in stories] == [[name, n] for n in range(16)]
    asyncio.run(submit("before"))
    children = []
    for child in range(20):
        pid = os.fork()
        if pid == 0:
            asyncio.run(submit(child))
            asyncio.run(queue.close())
            os._exit(0)
        children.append(pid)
        asyncio.run(submit("parent"))
    asyncio.run(queue.close())
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    assert codes == [0] * 20, codes
    assert len(server.queue) == 16 * 41, len(server.queue)
"""


@pytest.mark.forks
def test_a_forked_child_goes_on_with_an_async_queue_of_its_parent() -> None:
    ended = python(ASYNC_FORK)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_loop_goes_on_while_a_submission_waits_for_a_server_that_is_away() -> None:
    async def run(port: int) -> None:
        with trouble() as heard:
            async with pena.AsyncQueue(f"http://127.0.0.1:{port}", patience=20) as queue:
                submission = asyncio.create_task(queue.submit(range(3)))
                ticks = 0
                while ticks < 100 or not heard.said:
                    await asyncio.sleep(0.001)
                    ticks += 1
                    assert not submission.done()
                with pena.Server(listen=f"127.0.0.1:{port}", generate=False) as server:
                    assert await submission == list(server.queue)

    with held_port() as port:
        asyncio.run(run(port))


def test_the_loop_goes_on_while_a_server_says_nothing() -> None:
    async def run(silent: socket.socket) -> None:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        queue = pena.AsyncQueue(url, patience=0, request_timeout=1)
        submission = asyncio.create_task(queue.submit_one("a"))
        for _ in range(100):
            await asyncio.sleep(0.001)
            assert not submission.done()
        with pytest.raises(pena.UnavailableError, match="no answer within 1 s"):
            await submission
        await queue.close()

    with socket.create_server(("127.0.0.1", 0)) as silent:
        asyncio.run(run(silent))


def test_a_call_that_is_cancelled_leaves_its_connection_in_order(server: pena.Server) -> None:
    async def run() -> None:
        async with pena.AsyncQueue(proxy.url, "images") as queue:
            await queue.submit_one("a")
            for n in range(1, 6):
                proxy.keep_back()
                story = asyncio.create_task(queue.get(id="0" * 20))
                while not proxy.kept_back:
                    await asyncio.sleep(0.001)
                story.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await story
                proxy.let_go()
                assert (await queue.stats()).queued == n
                await queue.submit_one(n)
            assert [msg.payload for msg in await queue.peek()] == ["a", 1, 2, 3, 4, 5]

    with LossyProxy(server.port) as proxy:
        asyncio.run(run())


def test_a_submission_that_is_cancelled_asks_nothing_further(server: pena.Server) -> None:
    async def run() -> None:
        async with pena.AsyncQueue(server.url) as queue:
            third = asyncio.Event()

            async def payloads() -> AsyncIterator[int]:
                for n in range(10_000):
                    if n == 2500:
                        third.set()
                        await asyncio.sleep(3600)
                    yield n

            submission = asyncio.create_task(queue.submit(payloads()))
            await third.wait()
            submission.cancel()
            with pytest.raises(asyncio.CancelledError):
                await submission
            assert (await queue.stats()).queued == 2000

    asyncio.run(run())


def test_more_waits_than_threads_hold_nothing_up(server: pena.Server) -> None:
    async def run() -> None:
        async with pena.AsyncQueue(server.url) as queue:
            ids = await queue.submit(range(50))
            waits = [asyncio.create_task(queue.wait([id])) for id in ids]
            assert await queue.discard(which="waiting", ids=ids) == 50
            assert [(await wait).unknown for wait in waits] == [(id,) for id in ids]

    asyncio.run(run())


def test_a_close_wakes_what_pauses_in_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_asking, "_FIRST_WAIT", 1e9)

    async def run(port: int) -> None:
        with trouble() as heard:
            queue = pena.AsyncQueue(f"http://127.0.0.1:{port}", patience=None)
            submission = asyncio.create_task(queue.submit_one("a"))
            while len(heard.said) < 1:
                await asyncio.sleep(0.001)
            await queue.close()
            with pytest.raises(pena.UnavailableError, match="the queue was closed before"):
                await submission

    with held_port() as port:
        asyncio.run(run(port))


def test_a_close_ends_the_pauses_in_loops_of_other_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_asking, "_FIRST_WAIT", 1e9)

    async def submit() -> list[Any]:
        calls = [queue.submit_one(n) for n in range(3)]
        return await asyncio.gather(*calls, return_exceptions=True)

    with held_port() as port:
        queue = pena.AsyncQueue(f"http://127.0.0.1:{port}", patience=None)
        with beside(lambda: asyncio.run(submit())) as came:
            until(lambda: len(queue._pauses) == 3, "all of them pause")
            asyncio.run(queue.close())
            until(lambda: came, "all of them have ended", timeout=8)
    assert len(came[0]) == 3
    assert all("the queue was closed before" in str(error) for error in came[0])


@contextmanager
def called_as_it_pauses(close: Callable[[], object]) -> Iterator[None]:
    """Close a queue in a call of it that is about to pause."""

    class Closes(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            close()

    handler = Closes()
    logging.getLogger("pena.queue").addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger("pena.queue").removeHandler(handler)


def test_a_close_ends_a_pause_that_begins_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_asking, "_FIRST_WAIT", 1e9)
    with held_port() as port:
        queue = pena.Queue(f"http://127.0.0.1:{port}", patience=None)
        with called_as_it_pauses(queue.close), beside(queue.stats) as came:
            until(lambda: came, "it has ended", timeout=8)
    assert "the queue was closed before" in str(came[0])


def test_a_close_in_another_thread_ends_a_pause_of_a_loop_that_begins_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_asking, "_FIRST_WAIT", 1e9)

    def close() -> None:
        with beside(lambda: asyncio.run(queue.close())):
            pass

    with held_port() as port:
        queue = pena.AsyncQueue(f"http://127.0.0.1:{port}", patience=None)
        with called_as_it_pauses(close):
            with pytest.raises(pena.UnavailableError, match="the queue was closed before"):
                asyncio.run(asyncio.wait_for(queue.stats(), 8))


def test_a_close_outlives_a_loop_that_was_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_asking, "_FIRST_WAIT", 1e9)
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # the call ends with no result
    with held_port() as port:
        queue = pena.AsyncQueue(f"http://127.0.0.1:{port}", patience=None)
        call = loop.create_task(queue.submit_one("a"))
        while not queue._pauses:
            loop.run_until_complete(asyncio.sleep(0.001))
        loop.close()
        asyncio.run(queue.close())
    assert not call.done()


def test_a_close_comes_before_a_request_of_another_thread(server: pena.Server) -> None:
    async def run() -> None:
        queue = pena.AsyncQueue(server.url)
        await queue.stats()  # it has its threads
        loop = asyncio.get_running_loop()
        to_threads = loop.run_in_executor

        def behind_a_close(*given: Any) -> Any:
            loop.run_in_executor = to_threads
            with beside(lambda: asyncio.run(queue.close())):
                pass
            return to_threads(*given)

        loop.run_in_executor = behind_a_close
        with pytest.raises(pena.UnavailableError, match="the queue was closed before"):
            await queue.stats()

    asyncio.run(run())


def test_loops_that_begin_at_once_share_their_threads(server: pena.Server) -> None:
    """A close waits for what they ask."""
    pools: list[ThreadPoolExecutor] = []
    both = threading.Barrier(2)

    class Pool(ThreadPoolExecutor):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            both.wait(8)

        def submit(self, *given: Any) -> Any:
            pools.append(self)
            return super().submit(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(async_queue, "ThreadPoolExecutor", Pool)
        queue = pena.AsyncQueue(server.url)
        with beside(lambda: asyncio.run(queue.stats())):
            asyncio.run(queue.stats())
    assert len(pools) == 2
    assert pools[0] is pools[1]
    asyncio.run(queue.close())


def test_a_queue_that_nobody_has_any_more_is_closed(server: pena.Server) -> None:
    queue = pena.Queue(server.url)
    queue.submit_one("a")
    assert server.stats.connections == 1
    del queue
    until(lambda: server.stats.connections == 0, "its connection is closed")


def test_ctrl_c_ends_a_call_that_waits() -> None:
    code = """
import signal, threading, pena, socket
with socket.create_server(("127.0.0.1", 0)) as silent:
    queue = pena.Queue(f"http://127.0.0.1:{silent.getsockname()[1]}", patience=None)
    def interrupt():
        with silent.accept()[0] as connection:
            connection.recv(1)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            ended.wait()
    ended = threading.Event()
    threading.Thread(target=interrupt).start()
    try:
        queue.stats()
    except KeyboardInterrupt:
        print("interrupted")
    ended.set()
"""
    ended = python(code)
    assert (ended.stdout, ended.stderr) == ("interrupted\n", "")
