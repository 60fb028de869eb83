"""What stands between a client and a server, and sees what passes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit


class Door:
    """Stands in front of a server, and passes on what comes.

    Attributes:
        url: what clients ask in the place of the server's.
        hears: called with what a client has sent, before that is passed on.
    """

    def __init__(self, to: str, *, loses_first: bool = False) -> None:
        self._to, self._loses = urlsplit(to), loses_first
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.hears: Callable[[bytes], object] = len
        threading.Thread(target=self._open, daemon=True).start()

    def __enter__(self) -> Door:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _open(self) -> None:
        with suppress(OSError):
            while True:
                near = self._socket.accept()[0]
                threading.Thread(target=self._pass, args=[near], daemon=True).start()

    def _pass(self, near: socket.socket) -> None:
        far = socket.create_connection((self._to.hostname or "", self._to.port or 0))
        back = threading.Thread(target=self._bring, args=[near, far], daemon=True)
        back.start()
        if self._loses:
            self._loses = far.recv(1) == b""
        else:
            with suppress(OSError):
                while data := far.recv(65536):
                    near.sendall(data)
        for end in (near, far):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        back.join()
        near.close()
        far.close()

    def _bring(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while data := near.recv(65536):
                self.hears(data)
                far.sendall(data)
            # The client has nothing more to send; the server may.
            far.shutdown(socket.SHUT_WR)
