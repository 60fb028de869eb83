"""Pena hands out work over HTTP and loses none of it.

A :class:`Server` sends msgs in batches to the workers that ask for them, takes their reports, and
sends again what they left out. A :class:`Queue` submits msgs and follows them, :class:`AsyncQueue`
does so for asyncio. A :class:`Worker` takes msgs, hands each to a function and reports what became
of it; ``python -m pena.worker module:function`` does so from a shell. A :class:`Store` looks at
what a server has kept, also while the server runs. A :class:`Client` simulates work and its faults,
for tests: it reports as processed whatever it is handed.

>>> import pena
>>> def double(msg: pena.Msg) -> object:
...     return 2 * msg.payload
>>> with pena.Server(generate=False) as server, pena.Queue(server.url) as queue:
...     ids = queue.submit(range(10))
...     print(pena.Worker(server.url, double).run(until_empty=True).reason.value)
...     print(queue.wait(ids).results[ids[9]])
empty
18

Everything may be used from any thread; calls that wait let other threads run. What the engines say
goes to the loggers ``pena.server``, ``pena.worker`` and ``pena.client``, at the level that these
have when a server, worker or client starts; queues log to ``pena.queue``. The engines run threads
of their own, which a fork does not copy: start servers, workers and clients after it; those from
before it stay with the parent. Queues may be used on both sides.

A name is loaded when it is first used, so that ``import pena`` costs little where it is not.
"""

import sys
from importlib import import_module


def _refuse_sub_interpreter() -> None:
    # From 3.12 on Python itself asks the engines' module, which says no. Before, pybind11 would
    # wait there for ever.
    try:
        interpreters = import_module("_xxsubinterpreters")
    except ImportError:
        return
    if interpreters.get_current() != interpreters.get_main():
        raise ImportError("pena cannot be used in a sub-interpreter; expected the main one")


if sys.version_info < (3, 12):
    _refuse_sub_interpreter()

from pena._pena import __version__  # noqa: E402

TYPE_CHECKING = False  # not that of typing, whose import takes half as long as all of this
if TYPE_CHECKING:
    from pena.async_queue import AsyncQueue
    from pena.buckets import Bucket, BucketCounts
    from pena.client import Client, ClientEnd, ClientStats, EndReason
    from pena.errors import (
        ListenError,
        NotRunningError,
        PayloadError,
        PenaError,
        RefusedError,
        RequestError,
        SettingsError,
        StoreError,
        StoreInUseError,
        UnavailableError,
    )
    from pena.queue import Queue
    from pena.records import Batch, FailRecord, Miss, MissReason, QueuedMsg, ReportRecord
    from pena.server import Limits, Server, ServerStats
    from pena.standing import QueueStats, Waited
    from pena.store import Store
    from pena.stories import Delivery, Outcome, State, Story
    from pena.worker import (
        Fail,
        Msg,
        Retry,
        TimedOut,
        Worker,
        WorkerEnd,
        WorkerEndReason,
        WorkerStats,
    )
    from pena.xid import Xid, make_xid, parse_xid

__all__ = [
    "AsyncQueue",
    "Batch",
    "Bucket",
    "BucketCounts",
    "Client",
    "ClientEnd",
    "ClientStats",
    "Delivery",
    "EndReason",
    "Fail",
    "FailRecord",
    "Limits",
    "ListenError",
    "Miss",
    "MissReason",
    "Msg",
    "NotRunningError",
    "Outcome",
    "PayloadError",
    "PenaError",
    "Queue",
    "QueueStats",
    "QueuedMsg",
    "RefusedError",
    "ReportRecord",
    "RequestError",
    "Retry",
    "Server",
    "ServerStats",
    "SettingsError",
    "State",
    "Store",
    "StoreError",
    "StoreInUseError",
    "Story",
    "TimedOut",
    "UnavailableError",
    "Waited",
    "Worker",
    "WorkerEnd",
    "WorkerEndReason",
    "WorkerStats",
    "Xid",
    "__version__",
    "make_xid",
    "parse_xid",
]

_HOMES = {
    "AsyncQueue": "async_queue",
    "Batch": "records",
    "Bucket": "buckets",
    "BucketCounts": "buckets",
    "Client": "client",
    "ClientEnd": "client",
    "ClientStats": "client",
    "Delivery": "stories",
    "EndReason": "client",
    "Fail": "worker",
    "FailRecord": "records",
    "Limits": "server",
    "ListenError": "errors",
    "Miss": "records",
    "MissReason": "records",
    "Msg": "worker",
    "NotRunningError": "errors",
    "Outcome": "stories",
    "PayloadError": "errors",
    "PenaError": "errors",
    "Queue": "queue",
    "QueueStats": "standing",
    "QueuedMsg": "records",
    "RefusedError": "errors",
    "ReportRecord": "records",
    "RequestError": "errors",
    "Retry": "worker",
    "Server": "server",
    "ServerStats": "server",
    "SettingsError": "errors",
    "State": "stories",
    "Store": "store",
    "StoreError": "errors",
    "StoreInUseError": "errors",
    "Story": "stories",
    "TimedOut": "worker",
    "UnavailableError": "errors",
    "Waited": "standing",
    "Worker": "worker",
    "WorkerEnd": "worker",
    "WorkerEndReason": "worker",
    "WorkerStats": "worker",
    "Xid": "xid",
    "make_xid": "xid",
    "parse_xid": "xid",
}

# A type checker reads the imports above: with these it would take any name for one of the package.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Load a name, or a module of the package, when it is first asked for (PEP 562)."""
        if name in _HOMES:
            found = getattr(import_module(f"pena.{_HOMES[name]}"), name)
            globals()[name] = found
            return found
        if name in _HOMES.values():
            return import_module(f"pena.{name}")
        raise AttributeError(f"module 'pena' has no attribute {name!r}")

    def __dir__() -> list[str]:
        """List the names, loaded or not."""
        return sorted({*globals(), *_HOMES, *_HOMES.values()})
