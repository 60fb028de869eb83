"""One call of a handler, and what is told of it to the engine."""

from __future__ import annotations

import json
import logging
from typing import Any, NamedTuple

from pena import _pena
from pena.worker.log_lines import log_safely
from pena.worker.message import Msg
from pena.worker.outcomes import Fail, Retry, TimedOut, said, text_of

_logger = logging.getLogger("pena.worker")


class Rules(NamedTuple):
    """What each call of a handler goes by."""

    name: str
    timeout: float | None  # seconds
    never_retry: tuple[type[BaseException], ...]


class Call:
    """One call: from the msg that came to what is told of it, which is told once."""

    __slots__ = ("_data", "_engine", "_rules", "is_told", "run")

    def __init__(self, engine: _pena.Worker, taken: tuple[int, bytes], rules: Rules) -> None:
        """Nothing is read yet."""
        self.run, self._data = taken
        self._engine = engine
        self._rules = rules
        self.is_told = False

    def read(self) -> Msg:
        """Read the msg."""
        rules = self._rules
        return Msg(self._data, name=rules.name, timeout=rules.timeout, cancelled=self._is_cancelled)

    def _is_cancelled(self) -> bool:
        return self._engine.cancelled(self.run) is not None

    def returned(self, result: Any) -> None:
        """Tell that the handler has returned that."""
        self.is_told = True
        if result is not None:
            try:
                text = json.dumps(result, allow_nan=False, separators=(",", ":")).encode()
                self._engine.done(self.run, text)
                return
            except Exception as error:  # of a value's own methods any, or what no server takes
                self._log(f"its result is not kept, for it is no JSON: {text_of(error)}")
        self._engine.done(self.run)

    def raised(self, error: BaseException) -> None:
        """Tell that the handler has raised that."""
        self.is_told = True
        if isinstance(error, Retry):
            self._engine.failed(self.run, said(error.reason), retry_in=error.after)
        elif isinstance(error, Fail):
            self._engine.failed(self.run, said(error.reason), final=True)
        else:
            final = isinstance(error, self._rules.never_retry)
            self._engine.failed(self.run, text_of(error), final=final)
            self._log("it has failed" if final else "it failed", error)

    def given_up(self) -> None:
        """Tell that nobody works on it any more, and nothing is wrong with it."""
        self.is_told = True
        self._engine.give_back(self.run)

    def timed_out(self, error: TimedOut | None = None) -> None:
        """Tell that it has ended; that it has failed is known."""
        self.is_told = True
        self._engine.failed(self.run, "it timed out")
        self._log("it timed out", error)

    def _log(self, what: str, error: BaseException | None = None) -> None:
        log_safely(lambda: _logger.warning("%s: %s", self.read(), what, exc_info=error))
