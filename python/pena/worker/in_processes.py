"""Several processes, each with a worker of its own, and one that looks after them."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import multiprocessing
import os
import pickle
import queue
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from multiprocessing import connection
from multiprocessing.context import SpawnProcess
from typing import TYPE_CHECKING, Any, NamedTuple

from pena._settings import shown
from pena.errors import NotRunningError, SettingsError
from pena.worker.ended import WorkerEnd, WorkerEndReason, WorkerStats

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from pena.worker import Worker

_logger = logging.getLogger("pena.worker")

_EVERY = 0.2  # seconds between two reports of a process to the one that looks after it
_MOST_LINES = 10_000  # of the log, that wait to be told
_PLAIN = ("name", "levelno", "levelname", "msg", "exc_text", "created", "msecs", "process")
_MOST_STILLBORN = 3  # processes, one after the other, that end before they have told anything
# A process that dies again and again is started again after a wait that doubles.
_FIRST_WAIT = 0.1
_LONGEST_WAIT = 30.0
_LONG_LIFE = 10.0


class Start(NamedTuple):
    """What a process gets."""

    url: str
    handler: Callable[..., Any]
    settings: dict[str, Any]
    until_empty: bool = False
    levels: tuple[tuple[str, int], ...] = ()  # of loggers, by their names; the root's is empty


def check_start(start: Start) -> None:
    """Refuse a handler that another process cannot import, and exceptions likewise."""
    what = [("handler", start.handler, "a function")]
    what += [("never_retry", one, "exceptions") for one in start.settings["never_retry"]]
    for name, value, kind in what:
        try:
            pickle.dumps(value)
        except Exception as error:
            raise SettingsError(
                f"the {name} {shown(value)} cannot be used by several processes; expected {kind} "
                f"of a module, which each of them can import: {error}"
            ) from None


class _Tells:
    """Sends a process' log and its numbers to the one that looks after it, in a thread of its own.

    Handlers are interrupted at any step, so they only leave their lines.
    """

    def __init__(self, pipe: Connection, stats: Callable[[], WorkerStats]) -> None:
        self._pipe = pipe
        self._stats = stats
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="pena-tells", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, line: bytes) -> None:
        while self._lines.qsize() >= _MOST_LINES and self._thread.is_alive():
            time.sleep(_EVERY / 10)
        self._lines.put(line)

    def end(self, end: WorkerEnd) -> None:
        self._lines.put(pickle.dumps(end))
        self._lines.put(None)
        self._thread.join()

    def _run(self) -> None:
        line: bytes | None = pickle.dumps(self._stats())
        try:
            while line is not None:
                self._pipe.send_bytes(line)
                try:
                    line = self._lines.get(timeout=_EVERY)
                except queue.Empty:
                    line = pickle.dumps(self._stats())
        except OSError:
            return  # nobody listens any more


class _LogToParent(logging.handlers.QueueHandler):
    """What is logged in a process is logged by its parent, as that is set."""

    def __init__(self, tells: _Tells) -> None:
        super().__init__(queue.Queue())
        self._tells = tells

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            line = pickle.dumps(record)
        except Exception:  # something that was put beside it
            plain = {name: getattr(record, name) for name in _PLAIN}
            line = pickle.dumps(logging.makeLogRecord(plain))
        self._tells.put(line)


def _levels() -> tuple[tuple[str, int], ...]:
    named = [
        (name, logger.level)
        for name, logger in logging.root.manager.loggerDict.items()
        if isinstance(logger, logging.Logger) and logger.level != logging.NOTSET
    ]
    return (("", logging.root.level), *named)


def _child(start: Start, pipe: Connection) -> None:
    from pena.worker import Worker

    worker = Worker(start.url, start.handler, **start.settings)
    tells = _Tells(pipe, lambda: worker.stats)
    if not logging.root.handlers:  # else the module of the handler has set its log up
        for name, level in start.levels:
            logging.getLogger(name).setLevel(level)
        logging.root.addHandler(_LogToParent(tells))
    tells.start()
    tells.end(worker._work_for(lambda worker: _hear_parent(worker, pipe), start.until_empty))


def _hear_parent(worker: Worker, pipe: Connection) -> None:
    """Stop as often as the parent says, and once it is gone."""
    try:
        while True:
            worker._stop_to(pipe.recv())
    except (EOFError, OSError):
        worker._stop_to(1)


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
        self.exit: int | None = None  # readable once the process is gone
        self.stillborn = 0  # so many in a row told nothing
        self._has_told = False

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
        self._has_told = False
        # The sentinel of multiprocessing is a pipe, which what a handler starts may hold open.
        with contextlib.suppress(OSError, AttributeError):
            self.exit = os.pidfd_open(self.process.pid or 0)

    @property
    def sentinel(self) -> int:
        """Readable once the process, which there is, has ended."""
        if self.exit is not None or self.process is None:
            return self.exit or 0
        return self.process.sentinel

    def set(self, until_empty: bool) -> None:
        self._start = self._start._replace(until_empty=until_empty, levels=_levels())

    @property
    def stats(self) -> WorkerStats:
        return WorkerStats._sum([self._before, self._stats])

    def hear(self) -> None:
        """Read what it has told."""
        while self.pipe is not None:
            try:
                if not self.pipe.poll():
                    return
                self._take(self.pipe.recv())
                self._has_told = True
            except (EOFError, OSError):  # half of what it said died with it
                self.pipe.close()
                self.pipe = None
            except Exception as error:  # of a line that only the process itself can read
                _logger.warning("a line of process %d cannot be read: %s", self.number, error)

    def _take(self, said: WorkerStats | WorkerEnd | logging.LogRecord) -> None:
        if isinstance(said, logging.LogRecord):
            logger = logging.getLogger(said.name)
            if logger.isEnabledFor(said.levelno):
                logger.handle(said)
        elif isinstance(said, WorkerEnd):
            self.end = said
            self._stats = said.stats
        else:
            self._stats = said

    def died(self, stopping: bool) -> None:
        """Its process is gone."""
        process = self.process
        if process is None:
            return
        process.join()
        self.hear()
        if self.pipe is not None:
            self.pipe.close()
        if self.exit is not None:
            os.close(self.exit)
        self.process = self.pipe = self.exit = None
        self._before, self._stats = replace(self.stats, running=0), WorkerStats()
        self.stillborn = 0 if self._has_told else self.stillborn + 1
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
        elif self.process is not None:  # a handler has closed what is not its own
            self.process.terminate()


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
        self._starts = threading.Lock()  # whoever has it runs them
        self._over = threading.Event()
        self._end: WorkerEnd | None = None

    def stop_to(self, stops: int) -> None:
        """Ask all to end; where that is 2, at once. From any thread, or a handler of a signal."""
        self._stops = max(self._stops, stops)
        self._wake_writer.send(None)

    @property
    def running(self) -> bool:
        """Whether they are looked after."""
        return self._starts.locked() and not self._over.is_set()

    def wait(self, timeout: timedelta | None) -> WorkerEnd | None:
        """Wait until all have ended; None where they have not, or nobody runs them."""
        if self._starts.locked():
            self._over.wait(None if timeout is None else timeout.total_seconds())
        return self._end

    @property
    def stats(self) -> WorkerStats:
        """What all of them have done, as far as they have told."""
        return WorkerStats._sum(one.stats for one in self._ones)

    def run(self, until_empty: bool) -> WorkerEnd:
        """Look after them until all have ended.

        Raises NotRunningError where they were run before, and SettingsError where none can start.
        """
        if not self._starts.acquire(blocking=False):
            raise NotRunningError("the worker was started before; make a new one")
        for one in self._ones:
            one.set(until_empty)
        try:
            while self._look():
                pass
            self._end = self._ended()
            return self._end
        finally:
            for one in self._ones:
                if one.process is not None:
                    one.process.kill()
            self._over.set()

    def _ended(self) -> WorkerEnd:
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
            wait_for += [one.sentinel] if one.pipe is None else [one.sentinel, one.pipe]
        ready = connection.wait(wait_for, timeout)
        if self._wake_reader in ready:
            self._wake_reader.recv()
        for one in alive:
            if one.sentinel in ready:
                one.died(self._stops > 0)
                if one.end is not None and one.end.reason is WorkerEndReason.refused:
                    self.stop_to(1)
                self._check(one)
            elif one.pipe is not None and one.pipe in ready:
                one.hear()

    def _check(self, one: _One) -> None:
        if one.stillborn >= _MOST_STILLBORN and self._stops == 0:
            raise SettingsError(
                f"the processes of the worker cannot start: {_MOST_STILLBORN} ended before they "
                "had begun, as was printed; expected a handler that each of them can import, and "
                'what starts the worker under `if __name__ == "__main__":`'
            )
