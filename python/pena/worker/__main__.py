"""``python -m pena.worker module:function``: a worker from the command line."""

from __future__ import annotations

import argparse
import builtins
import contextlib
import importlib
import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import pena
from pena.worker import Worker, WorkerEndReason

_log = logging.getLogger("pena.worker")

_EPILOG = """\
The handler gets one pena.Msg. What it returns is the result, where it is JSON; where it raises, the
msg comes back after the server's backoff. SIGTERM or Ctrl-C: finish what is being handled, and end;
again: give it back now.

  python -m pena.worker shop.tasks:download --url http://127.0.0.1:8080 --queue images --processes 4

Exit codes: 0 it ended as it was to, 1 the server refused it, 2 an option or the handler cannot be.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pena.worker",
        description="Take msgs from a Pena server and hand each to a function.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("handler", metavar="MODULE:FUNCTION", help="what handles a msg; may be an async def")
    add("--url", default=os.environ.get("PENA_URL") or "http://127.0.0.1:8080",
        help="of the server (PENA_URL; default %(default)s)")  # fmt: skip
    add("--queue", "-q", action="append", metavar="NAME[,NAME…]",
        help="take from it; again, or with commas: the first that has any comes first (default: default)")  # fmt: skip  # noqa: E501
    add("--name", help="what people see of it (default: the host and the process)")
    add("--processes", "-p", type=int, default=1, metavar="N", help="so many processes (default 1)")
    add("--threads", "-t", type=int, metavar="N",
        help="msgs at once in each, for a function (default 1)")  # fmt: skip
    add("--tasks", type=int, metavar="N",
        help="msgs at once in each, for an async def (default 100)")  # fmt: skip
    add("--timeout", type=float, metavar="SECONDS", help="a msg that takes longer has failed")
    add("--never-retry", action="append", default=[], metavar="[MODULE:]EXCEPTION",
        help="behind it a msg has failed for good; without MODULE one that the handler's module "
        "has, or Python itself; may be repeated")  # fmt: skip
    add("--max-msgs", type=int, metavar="N", help="end behind so many msgs, each process")
    add("--max-payload", type=int, default=16 * 1024 * 1024, metavar="BYTES",
        help="a msg with a larger one fails (default %(default)s)")  # fmt: skip
    add("--backoff-first", type=float, default=0.1, metavar="SECONDS",
        help="the longest first wait for a reconnect; doubles (default %(default)s)")  # fmt: skip
    add("--backoff-most", type=float, default=5.0, metavar="SECONDS",
        help="the longest such wait (default %(default)s)")  # fmt: skip
    add("--stop-patience", type=float, default=10.0, metavar="SECONDS",
        help="that the server has for the last reports (default %(default)s)")  # fmt: skip
    add("--until-empty", action="store_true", help="end when the queues are empty")
    add("--progress", action="store_true", help="show on stderr how far it is")
    add("--generated", action="store_true", help="take what the server's generator made, too")
    add("--quiet", action="store_true", help="say warnings and errors alone")
    add("--version", action="version", version=f"pena {pena.__version__}")
    return parser


def _named(text: str, of: str) -> Any:
    """Import what `module:name` names; SettingsError where there is none."""
    module, colon, path = text.partition(":")
    if not (module and colon and path) or module.startswith("."):
        raise pena.SettingsError(
            f"{of} is {text!r}; expected MODULE:NAME, such as shop.tasks:download"
        )
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not (module + ".").startswith(error.name + "."):
            raise  # it was found, and itself imports what is not there
        raise pena.SettingsError(
            f"{of} is {text!r}, but there is no module {error.name!r} here or on PYTHONPATH"
        ) from None
    try:
        return attrgetter(path)(found)
    except AttributeError:
        raise pena.SettingsError(f"{of} is {text!r}, but {module!r} has no {path!r}") from None


def _exception(name: str, handler: str) -> Any:
    """Return the exception of that name: of the handler's module, before those of Python."""
    if ":" in name:
        return _named(name, "--never-retry")
    module = handler.partition(":")[0]
    for place in (importlib.import_module(module), builtins):
        with contextlib.suppress(AttributeError):
            return attrgetter(name)(place)
    raise pena.SettingsError(
        f"--never-retry is {name!r}, and neither {module!r}, the module of the handler, nor Python "
        "itself has an exception of that name; expected MODULE:NAME for one of another module"
    )


def _worker(given: argparse.Namespace) -> Worker:
    handler: Callable[..., Any] = _named(given.handler, "the handler")
    queues = [name for some in given.queue or ["default"] for name in some.split(",")]
    never = [_exception(name, given.handler) for name in given.never_retry]
    return Worker(
        given.url,
        handler,
        queues=queues,
        name=given.name,
        processes=given.processes,
        threads=given.threads,
        tasks=given.tasks,
        timeout=given.timeout,
        never_retry=never,
        max_msgs=given.max_msgs,
        max_payload=given.max_payload,
        generated=given.generated,
        backoff_first=given.backoff_first,
        backoff_most=given.backoff_most,
        stop_patience=given.stop_patience,
    )


def _takes(worker: Worker, given: argparse.Namespace) -> str:
    """Say what it takes from where, and how many at once."""
    settings = worker._settings
    slots = settings.slots
    several = "tasks" if worker._is_async else "threads" if slots > 1 else "thread"
    at_once = f"{slots} {several}"
    if given.processes > 1:
        at_once = f"{given.processes} processes with {at_once} each"
    return (
        f"{given.handler} takes msgs of {', '.join(settings.queues)} from {settings.url} "
        f"with {at_once}, as {worker._name}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it with these arguments, or the command's; return the exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    logging.basicConfig(
        level=logging.WARNING if given.quiet else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    sys.path.insert(0, os.getcwd())  # as `python -m` has it, also where the script was installed
    try:
        worker = _worker(given)
    except pena.SettingsError as error:
        parser.error(str(error))
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        parser.error(f"the handler is {given.handler!r}, and its module raised {error!r}")
    _log.info(_takes(worker, given))
    try:
        end = worker.run(until_empty=given.until_empty, progress=given.progress)
    except pena.SettingsError as error:  # its processes cannot start
        parser.error(str(error))
    if end.reason is WorkerEndReason.refused:
        print(f"{parser.prog}: {end.text}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
