"""`Worker`: takes msgs and hands each to a function, a coroutine, or another process."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import itertools
import signal
import threading
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from types import TracebackType

from pena import _pena, _running, _settings
from pena._times import Seconds, duration, timeout_of
from pena.errors import NotRunningError, SettingsError
from pena.worker import in_tasks, in_threads
from pena.worker.ended import WorkerEnd, WorkerEndReason, WorkerStats
from pena.worker.given import at_once, check_handler, exceptions, queue_names, worker_name
from pena.worker.in_processes import Processes, Start, check_start
from pena.worker.message import Msg
from pena.worker.outcomes import Fail, Retry, TimedOut
from pena.worker.progress import shown
from pena.worker.running_handler import Rules
from pena.worker.stop_signals import stop_signals
from pena.worker.unknown_queues import warn_of_unknown

__all__ = [
    "Fail",
    "Msg",
    "Retry",
    "TimedOut",
    "Worker",
    "WorkerEnd",
    "WorkerEndReason",
    "WorkerStats",
]

_MOST_AT_ONCE = 10_000
_MOST_PROCESSES = 1_000
_SHORTEST, _LONGEST = timedelta(milliseconds=1), timedelta(days=365)  # that an engine counts with


class Worker:
    """Takes msgs from a server's queues, has each handled, and reports what became of it.

    >>> def download(msg: pena.Msg) -> object:
    ...     return fetch(msg.payload["url"], timeout=msg.time_left)    # doctest: +SKIP
    >>> pena.Worker("http://127.0.0.1:8080", download, queues=["images"]).run()    # doctest: +SKIP

    What the handler returns is the result, where it is JSON. Where it raises, the msg comes
    back after the server's backoff, as long as it has attempts left: `Retry` says when, `Fail` that
    it never does.

    A msg is reported as soon as it is handled. While it is handled its lease is kept, however
    long that takes, by a thread that no handler can hold up. Where the server is away the worker
    tries again and again, and says so once.

    `run()` works until it is told to stop, by `stop()`, SIGTERM or SIGINT: what is being handled is
    finished and reported. The second time it is given back at once. `start()`, or ``with``, works
    in the background.
    """

    def __init__(
        self,
        url: str,
        handler: Callable[[Msg], object] | Callable[[Msg], Awaitable[object]],
        *,
        queues: Iterable[str] = ("default",),
        name: str | None = None,
        processes: int = 1,
        threads: int | None = None,
        tasks: int | None = None,
        timeout: Seconds | None = None,
        never_retry: Iterable[type[BaseException]] = (),
        max_msgs: int | None = None,
        max_payload: int = 16 * 1024 * 1024,
        generated: bool = False,
        backoff_first: Seconds = 0.1,
        backoff_most: Seconds = 5.0,
        stop_patience: Seconds = 10.0,
    ) -> None:
        """Check the settings. Raises SettingsError for a value that cannot be.

        Args:
            url: of the server, ``http://127.0.0.1:8080``.
            handler: a function, or an ``async def``, of one `Msg`. For several processes one that
                they can import.
            queues: what it takes msgs from, 1 to 64 queues, each once; the first that has any
                comes before the others.
            name: what people see of it in stories and lists, up to 64 bytes; None: the host and the
                number of the process.
            processes: so many, each with its own threads or tasks. One that dies is started again.
            threads: msgs at once in each process, for a function; None: 1.
            tasks: likewise for an ``async def``; None: 100.
            timeout: seconds that a msg may be handled. Then it has failed and comes back after
                the backoff, and the handler is interrupted: `TimedOut`, or a task is cancelled.
                None: any time.
            never_retry: exceptions behind which a msg has failed for good.
            max_msgs: end behind so many msgs; of several processes each. None: go on.
            max_payload: bytes; a msg with a larger one fails, and an error in the log says so. More
                than 16 MiB only where the server's own ``max_payload``, 256 KiB, was set higher.
            generated: take what the server's generator made, too.
            backoff_first: the longest wait, in seconds, before the first reconnect; doubles, with
                jitter.
            backoff_most: the longest such wait.
            stop_patience: seconds that the server has for the last reports, once all is handled.
        """
        self._handler = handler
        self._is_async = inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(
            getattr(handler, "__call__", None)  # noqa: B004  # of an object, whether its call is one
        )
        check_handler(handler)
        settings = _pena.WorkerSettings()
        _settings.text(settings, "url", url)
        settings.queues = queue_names(queues)
        settings.name = self._name = worker_name(name)
        _settings.whole(settings, "max_msgs", max_msgs, 1)
        _settings.whole(settings, "max_payload", max_payload, 1, 2**31)
        settings.slots = self._slots(threads, tasks)
        settings.timeout = None if timeout is None else duration("timeout", timeout)
        if settings.timeout is not None:
            if not timedelta(0) < settings.timeout <= _LONGEST:
                raise _settings.refused(
                    "timeout", timeout, "more than 0 seconds and at most a year"
                )
            settings.timeout = max(settings.timeout, _SHORTEST)
        settings.generated = _settings.flag("generated", generated)
        settings.backoff_first = duration("backoff_first", backoff_first)
        settings.backoff_most = duration("backoff_most", backoff_most)
        settings.stop_patience = duration("stop_patience", stop_patience)
        settings.check()
        self._settings = settings
        self._rules = Rules(
            self._name,
            None if settings.timeout is None else settings.timeout.total_seconds(),
            exceptions("never_retry", never_retry),
        )
        self._processes = at_once("processes", processes, _MOST_PROCESSES)
        self._others: Processes | None = None
        if self._processes > 1:
            start = Start(
                url,
                handler,
                {
                    "queues": list(settings.queues),
                    "name": name,
                    "threads": threads,
                    "tasks": tasks,
                    "timeout": timeout,
                    "never_retry": self._rules.never_retry,
                    "max_msgs": max_msgs,
                    "max_payload": max_payload,
                    "generated": generated,
                    "backoff_first": backoff_first,
                    "backoff_most": backoff_most,
                    "stop_patience": stop_patience,
                },
            )
            check_start(start)
            self._others = Processes(start, self._processes)
        self._engine: _running.Engine[_pena.Worker] = _running.Engine("worker")
        self._threads: in_threads.Threads | None = None
        self._loop_thread: int | None = None  # that of the tasks
        # A signal's handler may come in between any two steps of another's: these change in one.
        self._calls_of_stop = itertools.count(1)
        self._untold = {1: True, 2: True}  # the stops that the engine has not heard of
        self._stops = 0  # so often was it told to

    def _slots(self, threads: int | None, tasks: int | None) -> int:
        if self._is_async:
            if threads is not None:
                raise _settings.refused("threads", threads, "tasks, for the handler is async")
            return at_once("tasks", 100 if tasks is None else tasks, _MOST_AT_ONCE)
        if tasks is not None:
            raise _settings.refused("tasks", tasks, "threads, for the handler is not async")
        return at_once("threads", 1 if threads is None else threads, _MOST_AT_ONCE)

    def __repr__(self) -> str:
        """Name it, and the server that it works for."""
        return f"<pena.Worker {self._name} of {self._settings.url}>"

    # ---- until it ends

    def run(self, *, until_empty: bool = False, progress: bool = False) -> WorkerEnd:
        """Work until it is told to stop, and return how it has ended.

        In the main thread SIGTERM and SIGINT tell it, for as long as it works.

        Args:
            until_empty: end when its queues are empty: nothing waits, is to be due later, or is
                held by anybody. The log warns of a queue that the server knows nothing of.
            progress: write to stderr how far it is.

        Raises NotRunningError where it was started before.
        """
        self._settings.until_empty = _settings.flag("until_empty", until_empty)
        with self._shown(progress), stop_signals(lambda: self.stop(wait=False)):
            self._warn_of_unknown()
            return self._work()

    async def run_async(self, *, until_empty: bool = False, progress: bool = False) -> WorkerEnd:
        """Work in the running loop, for an ``async def`` handler; likewise.

        Signals are left alone: they are the loop's. Cancelled, it gives back what is being handled.
        """
        if not self._is_async:
            raise SettingsError(
                f"the handler {_settings.shown(self._handler)} is no async def, and would hold the "
                "loop up; expected one, or run(), in a thread where a loop is to go on meanwhile: "
                "await asyncio.to_thread(worker.run)"
            )
        if self._others is not None:
            raise SettingsError(
                f"run_async() works in this process, and processes is {self._processes}; "
                "expected processes=1, or run()"
            )
        self._settings.until_empty = _settings.flag("until_empty", until_empty)
        with self._shown(progress):
            await asyncio.to_thread(self._warn_of_unknown)
            self._start_engine()
            await self._work_in_tasks(self._engine.get())
            return await asyncio.to_thread(self._ended, None)

    # ---- in the background

    def start(self) -> Worker:
        """Work in the background, in threads of this process, and return itself.

        Raises SettingsError for a worker of several processes, and NotRunningError where it was
        started before.
        """
        if self._others is not None:
            raise SettingsError("a worker of several processes works in run(), not behind start()")
        self._start_engine()
        engine = self._engine.get()
        if self._is_async:
            # Whoever works keeps the worker, so that it is stopped at exit, whoever else has it.
            loop = threading.Thread(
                target=lambda worker: asyncio.run(worker._work_in_tasks(engine)),
                args=(self,),
                name="pena-worker-loop",
                daemon=True,
            )
            loop.start()
        else:
            self._start_threads(engine)
        return self

    def stop(self, *, wait: bool = True) -> None:
        """Take no more msgs, and finish and report what is being handled.

        The second call gives that back instead, and the worker ends soon. A call before
        the start ends it behind that. With ``wait=False`` it returns at once, and may be called by
        a handler.

        Raises SettingsError where a handler would wait for itself.
        """
        if wait and self._is_in_handler():
            raise SettingsError(
                "a handler cannot wait until its worker has ended; expected stop(wait=False)"
            )
        self._stop_to(next(self._calls_of_stop))
        if wait and self._others is not None:
            self._others.wait(None)
        elif wait and self._engine.started:
            self._ended(None)

    def _stop_to(self, stops: int) -> None:
        """It is told to stop the second time at the latest where that is 2; never fewer times."""
        self._stops = max(self._stops, stops)
        if self._others is not None:
            self._others.stop_to(self._stops)
        else:
            self._pass_on_stops()

    def _pass_on_stops(self) -> None:
        for stop in (1, 2):
            if self._engine.started and stop <= self._stops and self._untold.pop(stop, False):
                self._engine.get().stop()

    def wait(self, timeout: Seconds | None = None) -> WorkerEnd | None:
        """Wait until it has ended, at most `timeout` seconds (None: for ever).

        Returns how it ended, or None while it still works. Ctrl-C interrupts it.
        """
        if self._others is not None:
            return self._others.wait(timeout_of(timeout))
        engine = self._engine.get()
        if engine.wait(timeout_of(timeout)) is None:
            return None
        return self._ended(None)

    def __enter__(self) -> Worker:
        """Start it in the background, if it was not started."""
        if not self._engine.started:
            self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it: what is being handled is finished, or behind an exception given back."""
        if error is not None and not self._engine.here:
            return
        self._stop_to(1 if error is None else 2)
        self._ended(None)

    @property
    def running(self) -> bool:
        """Whether it works, in this process."""
        if self._others is not None:
            return self._others.running
        return self._engine.here and self._engine.get().running()

    @property
    def stats(self) -> WorkerStats:
        """The numbers of this moment; of several processes a fifth of a second old."""
        if self._others is not None:
            return self._others.stats
        if not self._engine.started:
            return WorkerStats()
        return WorkerStats(**self._engine.get().stats())

    # ---- inside

    def _shown(self, progress: bool) -> contextlib.AbstractContextManager[object]:
        is_shown = _settings.flag("progress", progress)
        settings = self._settings
        return shown(lambda: self.stats, settings) if is_shown else contextlib.nullcontext()

    def _warn_of_unknown(self) -> None:
        if self._settings.until_empty:
            warn_of_unknown(self._settings.url, self._settings.queues)

    def _start_engine(self) -> None:
        self._engine.start(lambda: _pena.Worker(self._settings, _running.log_queue()))
        _running.started(self)
        self._pass_on_stops()

    def _work(self) -> WorkerEnd:
        if self._others is not None:
            return self._others.run(self._settings.until_empty)
        self._start_engine()
        engine = self._engine.get()
        try:
            if self._is_async:
                asyncio.run(self._work_in_tasks(engine))
            elif self._settings.slots == 1:
                self._threads = in_threads.Threads(engine, self._handler, self._rules)
                self._threads.work_here()
            else:
                self._start_threads(engine)
            return self._ended(None)
        except BaseException:  # such as of a handler of another signal: nobody works any more
            self._stop_to(2)
            raise

    def _start_threads(self, engine: _pena.Worker) -> None:
        self._threads = in_threads.Threads(engine, self._handler, self._rules)
        self._threads.start(self._settings.slots, self)

    async def _work_in_tasks(self, engine: _pena.Worker) -> None:
        self._loop_thread = threading.get_ident()
        await in_tasks.work(engine, self._handler, self._rules)  # type: ignore[arg-type]

    def _is_in_handler(self) -> bool:
        if self._threads is not None:
            return self._threads.is_in_handler()
        return self._loop_thread == threading.get_ident()

    def _work_for(self, parent: Callable[[Worker], None], until_empty: bool) -> WorkerEnd:
        """Work as one of several processes, which is told to stop in a thread that runs `parent`.

        A signal counts as the first stop and never as the second: who stops a group of processes
        sends it to all of them, and the parent passes on what it got.
        """
        self._settings.until_empty = until_empty
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's, which all get
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # for what handlers start
        threading.Thread(target=parent, args=(self,), name="pena-parent", daemon=True).start()
        with stop_signals(lambda: self._stop_to(1)):
            return self._work()

    def _ended(self, timeout: Seconds | None) -> WorkerEnd:
        end = self._engine.get().wait(timeout_of(timeout))
        if end is None:
            raise NotRunningError("the worker has not ended")
        if self._threads is not None:
            self._threads.join()
        _running.flush_log()
        reason, text = end
        return WorkerEnd(WorkerEndReason(reason), text, self.stats)
