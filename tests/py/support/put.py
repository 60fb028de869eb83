"""Starting `pena put`, and a server for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from support.cli import Running
from support.process import ServerProcess

Put = Callable[..., Running]


def starts_put(running: ExitStack, folder: Path) -> Put:
    """Return what starts one; each ends with `running`."""
    count = iter(range(100))

    def start(*words: str, fed: bool = False) -> Running:
        command = Running(folder / f"put-{next(count)}", "put", *words, fed=fed)
        running.callback(command.close)
        return command

    return start


def serve(running: ExitStack, folder: Path, *options: str) -> ServerProcess:
    """Start a server with its store in that folder."""
    given = ["--listen=127.0.0.1:0", f"--store={folder / 'pena.lmdb'}", "--no-generate", *options]
    server = ServerProcess(*given)
    running.callback(server.stop)
    return server
