"""Several processes, each with a worker of its own, and one that looks after them."""

from __future__ import annotations

import atexit
import contextlib
import logging
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from multiprocessing import connection
from multiprocessing.context import SpawnProcess
from typing import TYPE_CHECKING, Any, NamedTuple

from pena._process import Process, this_process
from pena._settings import shown
from pena.errors import NotRunningError, SettingsError
from pena.worker.ended import WorkerEnd, WorkerEndReason, WorkerStats
from pena.worker.log_lines import Levels, levels, log_safely, log_text, set_levels
from pena.worker.tells import LogToParent, Tells, Told

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from pena.worker import Worker

_logger = logging.getLogger("pena.worker")

_MOST_STILLBORN = 3  # processes, one after the other, that end before they have told anything
_BY_OTHERS = (-signal.SIGKILL, -signal.SIGTERM)  # exit codes: it may have begun well
_HEARD_AT_ONCE = 20  # of what a process tells, before the others' turn
_PATIENCE = 2.0  # seconds for all to give back what they work on, where the worker fails
# A process that dies again and again, and has done nothing, starts again after a wait that doubles.
_FIRST_WAIT = 0.1
_LONGEST_WAIT = 30.0
_LONG_LIFE = 10.0


class Start(NamedTuple):
    """What a process gets."""

    url: str
    handler: Callable[..., Any]
    settings: dict[str, Any]
    until_empty: bool = False
    levels: Levels = ()


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


def _child(start: Start, pipe: Connection) -> None:
    from pena.worker import Worker

    worker = Worker(start.url, start.handler, **start.settings)
    tells = Tells(pipe, lambda: worker.stats)
    if not logging.root.handlers:  # else the module of the handler has set its log up
        set_levels(start.levels)
        logging.root.addHandler(LogToParent(tells))
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
        self.has_begun = False  # has told something, or one before it has

    def start(self) -> None:
        """Raises OSError where the system has no room for it."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_child, args=(self._start, theirs), name=f"pena-worker-{self.number}"
        )
        # A terminal's Ctrl-C is for all of them, and no traceback while they are imported.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()
        self.process, self.pipe = process, ours
        self._started_at = time.monotonic()
        self.starts_at = None
        self._has_told = False
        # The sentinel of multiprocessing is a pipe, which what a handler starts may hold open.
        with contextlib.suppress(OSError, AttributeError):
            self.exit = os.pidfd_open(self.process.pid or 0)

    def try_later(self, error: OSError) -> None:
        """It could not start, for this is short for a while."""
        self._deaths += 1
        self._put_off()
        text = "process %d of the worker cannot start, and is tried again: %s"
        log_safely(lambda: _logger.warning(text, self.number, error.strerror or error))

    def _put_off(self) -> None:
        wait = 0.0
        if self._deaths > 1:
            wait = min(_FIRST_WAIT * 2.0 ** (self._deaths - 2), _LONGEST_WAIT)
        self.starts_at = time.monotonic() + wait

    @property
    def sentinel(self) -> int:
        """Readable once the process, which there is, has ended."""
        if self.exit is not None or self.process is None:
            return self.exit or 0
        return self.process.sentinel

    def set(self, until_empty: bool) -> None:
        self._start = self._start._replace(until_empty=until_empty, levels=levels())

    @property
    def stats(self) -> WorkerStats:
        return WorkerStats._sum([self._before, self._stats])

    def hear(self) -> bool:
        """Read something of what it has told; return whether there may be more."""
        return all(self._hear_one() for _ in range(_HEARD_AT_ONCE))

    def _hear_one(self) -> bool:
        if self.pipe is None:
            return False
        try:
            if not self.pipe.poll():
                return False
            told = self.pipe.recv()
        except (EOFError, OSError):  # half of what it said died with it
            self.pipe.close()
            self.pipe = None
            return False
        except Exception as error:  # a handler has written into what is not its own
            self._say_unread(error)
            return True
        self._has_told = self.has_begun = True
        self._take(told)
        return True

    def _say_unread(self, error: Exception) -> None:
        text = "what process %d of the worker tells cannot be read: %s"
        log_safely(lambda: _logger.warning(text, self.number, error))

    def _take(self, told: Told) -> None:
        if isinstance(told, str):
            log_safely(lambda: log_text(told))
        elif isinstance(told, WorkerEnd):
            self.end = told
            self._stats = told.stats
        else:
            self._stats = told

    def died(self, stopping: bool) -> None:
        """Its process is gone."""
        process = self.process
        if process is None:
            return
        process.join()
        while self.hear():
            pass
        if self.pipe is not None:
            self.pipe.close()
        if self.exit is not None:
            os.close(self.exit)
        self.process = self.pipe = self.exit = None
        has_worked = self._stats.done > 0
        self._before, self._stats = replace(self.stats, running=0), WorkerStats()
        if self._has_told:
            self.stillborn = 0
        elif process.exitcode not in _BY_OTHERS:
            self.stillborn += 1
        if self.end is not None or stopping:
            return
        lived = time.monotonic() - self._started_at
        self._deaths = 0 if has_worked or lived > _LONG_LIFE else self._deaths + 1
        self._put_off()
        text = (
            "process %d of the worker %s, so it is started again; what it worked on is sent again"
        )
        how = _how_it_ended(process.exitcode)
        log_safely(lambda: _logger.warning(text, self.number, how))

    def stop_to(self, stops: int) -> None:
        """Ask it to end; where that is 2, at once."""
        if self.process is None:
            return
        if self.pipe is not None:
            with contextlib.suppress(OSError):  # as below, and that is not heard yet; or it is gone
                self.pipe.send(stops)
                return
        # A handler has closed what is not its own.
        if stops == 1:
            self.process.terminate()
        else:
            self.process.kill()


def _how_it_ended(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        try:
            return f"was ended by {signal.Signals(-exitcode).name}"
        except ValueError:
            return f"was ended by signal {-exitcode}"
    return f"ended with exit code {exitcode}"


def _no_room(text: str, error: OSError) -> SettingsError:
    return SettingsError(
        f"{text}: {error.strerror or error}; expected room for it, or fewer of them"
    )


class Processes:
    """The processes of a worker."""

    def __init__(self, start: Start, processes: int) -> None:
        """Nothing is started yet."""
        self._ones = [_One(number, start) for number in range(1, processes + 1)]
        self._stops = 0
        self._passed_on = 0
        try:
            self._wake_reader, self._wake_writer = multiprocessing.Pipe(duplex=False)
        except OSError as error:
            raise _no_room(
                f"the {processes} processes of the worker cannot start", error
            ) from error
        self._starts = threading.Lock()  # whoever has it runs them
        self._over = threading.Event()
        self._end: WorkerEnd | None = None
        self._ends_at: float | None = None

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
        # Of a thread that Python does not wait for when it ends, as it does for the processes.
        stop = partial(self._stop_in, this_process())
        atexit.register(stop)
        try:
            while self._look():
                pass
            self._end = self._ended()
            return self._end
        except BaseException:  # such as of a handler of another signal
            self._give_back()
            raise
        finally:
            atexit.unregister(stop)
            self._kill()
            self._over.set()

    def _stop_in(self, process: Process) -> None:
        if process is this_process():  # and not in a fork of it
            self.stop_to(1)

    def _give_back(self) -> None:
        self._ends_at = time.monotonic() + _PATIENCE
        self.stop_to(2)
        while time.monotonic() < self._ends_at and self._look():
            pass

    def _kill(self) -> None:
        for one in self._ones:
            if one.process is not None:
                one.process.kill()
                one.died(stopping=True)

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
                self._start(one)
        if self._passed_on < self._stops:
            self._passed_on = self._stops
            for one in self._ones:
                one.stop_to(self._passed_on)
        alive = [one for one in self._ones if one.process is not None]
        waits = [one.starts_at for one in self._ones if one.starts_at is not None and not stopping]
        if not alive and not waits:
            return False
        if self._ends_at is not None:
            waits.append(self._ends_at)
        self._wait(alive, max(min(waits) - now, 0.0) if waits else None)
        return True

    def _start(self, one: _One) -> None:
        try:
            one.start()
        except OSError as error:
            if not any(other.has_begun for other in self._ones):
                text = f"process {one.number} of the {len(self._ones)} of the worker cannot start"
                raise _no_room(text, error) from error
            one.try_later(error)

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
                if one.pipe is None and one.end is None and self._passed_on > 0:
                    one.stop_to(self._passed_on)  # it may not have heard it

    def _check(self, one: _One) -> None:
        if one.stillborn >= _MOST_STILLBORN and self._stops == 0:
            raise SettingsError(
                f"the processes of the worker cannot start: {_MOST_STILLBORN} ended before they "
                "had begun, as was printed; expected a handler that each of them can import, and "
                'what starts the worker under `if __name__ == "__main__":`'
            )
