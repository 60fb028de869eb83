"""Several processes, each with a worker of its own, and one that looks after them."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing import connection
from multiprocessing.context import SpawnProcess
from typing import TYPE_CHECKING, Any, NamedTuple

from pena._settings import shown
from pena.errors import SettingsError
from pena.worker.ended import WorkerEnd, WorkerEndReason, WorkerStats

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from pena.worker import Worker

_logger = logging.getLogger("pena.worker")

_EVERY = 0.2  # seconds between two reports of a process to the one that looks after it
# A process that dies again and again is started again after a wait that doubles.
_FIRST_WAIT = 0.1
_LONGEST_WAIT = 30.0
_LONG_LIFE = 10.0


class Start(NamedTuple):
    """What a process gets."""

    url: str
    handler: Callable[..., Any]
    settings: dict[str, Any]
    until_empty: bool
    loggers: tuple[int, bool]  # the level of `pena.worker`, and whether the root has a handler


def check_handler(handler: Callable[..., Any]) -> None:
    """Refuse a handler that another process cannot import."""
    import pickle

    try:
        pickle.dumps(handler)
    except Exception as error:
        raise SettingsError(
            f"the handler {shown(handler)} cannot be used by several processes; expected a "
            f"function of a module, which each of them can import: {error}"
        ) from None


def _child(start: Start, pipe: Connection) -> None:
    from pena.worker import Worker

    level, has_handler = start.loggers
    if has_handler:
        logging.basicConfig()
    logging.getLogger("pena.worker").setLevel(level)
    worker = Worker(start.url, start.handler, **start.settings)
    threading.Thread(target=_tell, args=(worker, pipe), daemon=True).start()
    end = worker._work_for(lambda worker: _hear_parent(worker, pipe), start.until_empty)
    with contextlib.suppress(OSError):  # nobody listens any more
        pipe.send(end)


def _hear_parent(worker: Worker, pipe: Connection) -> None:
    """Stop as often as the parent says, and once it is gone."""
    try:
        while True:
            worker._stop_to(pipe.recv())
    except (EOFError, OSError):
        worker._stop_to(1)


def _tell(worker: Worker, pipe: Connection) -> None:
    try:
        while True:
            time.sleep(_EVERY)
            pipe.send(worker.stats)
    except OSError:
        return  # nobody listens any more


class _One:
    """A place for a process, and the process that has it."""

    def __init__(self, number: int, start: Start) -> None:
        self.number = number
        self._start = start
        self._deaths = 0
        self._before = WorkerStats()  # of those that had its place
        self._stats = WorkerStats()
        self.starts_at: float | None = time.monotonic()
        self._started_at = 0.0
        self.end: WorkerEnd | None = None
        self.process: SpawnProcess | None = None
        self.pipe: Connection | None = None

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(
            target=_child, args=(self._start, theirs), name=f"pena-worker-{self.number}"
        )
        self._started_at = time.monotonic()
        self.starts_at = None
        # A terminal's Ctrl-C is for all of them, and no traceback while they are imported.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()

    def until_empty(self, until_empty: bool) -> None:
        self._start = self._start._replace(until_empty=until_empty)

    @property
    def stats(self) -> WorkerStats:
        return WorkerStats._sum([self._before, self._stats])

    def hear(self) -> None:
        """Read what it has told."""
        try:
            while self.pipe is not None and self.pipe.poll():
                said = self.pipe.recv()
                if isinstance(said, WorkerEnd):
                    self.end = said
                    said = said.stats
                self._stats = said
        except (EOFError, OSError):
            pass  # half of what it said died with it

    def died(self, stopping: bool) -> None:
        """Its process is gone."""
        process = self.process
        if process is None:
            return
        process.join()
        self.hear()
        if self.pipe is not None:
            self.pipe.close()
        self.process = self.pipe = None
        self._before, self._stats = self.stats, WorkerStats()
        if self.end is not None or stopping:
            return
        lived = time.monotonic() - self._started_at
        self._deaths = 0 if lived > _LONG_LIFE else self._deaths + 1
        wait = 0.0
        if self._deaths > 1:
            wait = min(_FIRST_WAIT * 2.0 ** (self._deaths - 2), _LONGEST_WAIT)
        self.starts_at = time.monotonic() + wait
        _logger.warning(
            "process %d of the worker %s, so it is started again; what it worked on is sent again",
            self.number,
            _how_it_ended(process.exitcode),
        )

    def stop_to(self, stops: int) -> None:
        """Ask it to end; where that is 2, at once."""
        if self.pipe is not None:
            with contextlib.suppress(OSError):  # it is gone
                self.pipe.send(stops)


def _how_it_ended(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        try:
            return f"was ended by {signal.Signals(-exitcode).name}"
        except ValueError:
            return f"was ended by signal {-exitcode}"
    return f"ended with exit code {exitcode}"


class Processes:
    """The processes of a worker."""

    def __init__(self, start: Start, processes: int) -> None:
        """Nothing is started yet."""
        self._ones = [_One(number, start) for number in range(1, processes + 1)]
        self._stops = 0
        self._passed_on = 0
        self._wake_reader, self._wake_writer = multiprocessing.Pipe(duplex=False)

    def starts(self, until_empty: bool) -> None:
        """They are to end when their queues are empty, or not."""
        for one in self._ones:
            one.until_empty(until_empty)

    def stop_to(self, stops: int) -> None:
        """Ask all to end; where that is 2, at once. From any thread, or a handler of a signal."""
        self._stops = max(self._stops, stops)
        self._wake_writer.send(None)

    @property
    def stats(self) -> WorkerStats:
        """What all of them have done, as far as they have told."""
        return WorkerStats._sum(one.stats for one in self._ones)

    def run(self) -> WorkerEnd:
        """Look after them until all have ended."""
        try:
            while self._look():
                pass
        finally:
            for one in self._ones:
                if one.process is not None:
                    one.process.kill()
        ends = [one.end for one in self._ones if one.end is not None]
        refused = [end for end in ends if end.reason is WorkerEndReason.refused]
        if refused or ends:
            end = (refused or ends)[0]
            return WorkerEnd(end.reason, end.text, self.stats)
        return WorkerEnd(WorkerEndReason.stopped, "it was asked to stop", self.stats)

    def _look(self) -> bool:
        now = time.monotonic()
        stopping = self._stops > 0
        for one in self._ones:
            if one.starts_at is not None and not stopping and now >= one.starts_at:
                one.start()
        if self._passed_on < self._stops:
            self._passed_on = self._stops
            for one in self._ones:
                one.stop_to(self._passed_on)
        alive = [one for one in self._ones if one.process is not None]
        waits = [one.starts_at for one in self._ones if one.starts_at is not None]
        if not alive and (stopping or not waits):
            return False
        self._wait(alive, None if stopping or not waits else max(min(waits) - now, 0.0))
        return True

    def _wait(self, alive: list[_One], timeout: float | None) -> None:
        wait_for: list[Any] = [self._wake_reader]
        for one in alive:
            wait_for += [one.process.sentinel, one.pipe]  # type: ignore[union-attr]
        ready = connection.wait(wait_for, timeout)
        if self._wake_reader in ready:
            self._wake_reader.recv()
        for one in alive:
            if one.process is not None and one.process.sentinel in ready:
                one.died(self._stops > 0)
                if one.end is not None and one.end.reason is WorkerEndReason.refused:
                    self.stop_to(1)
            elif one.pipe in ready:
                one.hear()
