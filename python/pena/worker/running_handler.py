"""One call of a handler, and what is told of it to the engine."""

from __future__ import annotations

import json
import logging
from typing import Any, NamedTuple

from pena import _pena
from pena.worker.message import Msg
from pena.worker.outcomes import Fail, Retry, TimedOut

_logger = logging.getLogger("pena.worker")


class Rules(NamedTuple):
    """What each call of a handler goes by."""

    name: str
    timeout: float | None  # seconds
    never_retry: tuple[type[BaseException], ...]


class Call:
    """One call: from the message that came to what is told of it."""

    __slots__ = ("_engine", "_rules", "msg", "run")

    def __init__(self, engine: _pena.Worker, taken: tuple[int, bytes], rules: Rules) -> None:
        """Read the message."""
        self.run, data = taken
        self._engine = engine
        self._rules = rules
        self.msg = Msg(data, name=rules.name, timeout=rules.timeout, cancelled=self._is_cancelled)

    def _is_cancelled(self) -> bool:
        return self._engine.cancelled(self.run) is not None

    def returned(self, result: Any) -> None:
        """Tell that the handler has returned that."""
        self._engine.done(self.run, b"" if result is None else _json_of(result, self.msg))

    def raised(self, error: BaseException) -> None:
        """Tell that the handler has raised that."""
        if isinstance(error, Retry):
            self._engine.failed(self.run, error.reason, retry_in=error.after)
        elif isinstance(error, Fail):
            self._engine.failed(self.run, error.reason, final=True)
        else:
            final = isinstance(error, self._rules.never_retry)
            _logger.warning("%s %s", self.msg, "has failed" if final else "failed", exc_info=error)
            self._engine.failed(self.run, text_of(error), final=final)

    def given_up(self) -> None:
        """Tell that nobody works on it any more, and nothing is wrong with it."""
        self._engine.give_back(self.run)

    def timed_out(self, error: TimedOut) -> None:
        """Tell that it has ended; that it has failed is known."""
        _logger.warning("%s timed out", self.msg, exc_info=error)
        self._engine.failed(self.run, "it timed out")


def text_of(error: BaseException) -> str:
    """Return what a message's story says of an exception: "ValueError: no such width"."""
    try:
        text = str(error)
    except Exception:  # a __str__ may fail
        text = ""
    name = type(error).__name__
    said = f"{name}: {text}" if text else name
    return said.encode(errors="backslashreplace").decode()  # half of a surrogate pair has no bytes


def _json_of(result: Any, msg: Msg) -> bytes:
    try:
        return json.dumps(result, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        _logger.warning("the result of %s is not kept, for it is no JSON: %s", msg, error)
        return b""
