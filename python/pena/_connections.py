"""Connections to one server that are kept from request to request."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import threading
import weakref
from collections import deque
from dataclasses import replace
from urllib.parse import urlsplit

from pena import _pena, _settings
from pena._asking import Answer, Lost, Request

_Kept = tuple[int, http.client.HTTPConnection]  # the process that put it back, and the connection
_MOST_IDLE = 32  # connections that are kept; one that comes back to so many is closed


class Connections:
    """Does requests, each on a connection of its own while it lasts. For any thread.

    A thread that is done puts its connection back, and the next one takes it. So there are as many
    as there are threads that ask at one time. A forked child uses none of its parent's.
    """

    def __init__(self, url: str) -> None:
        """Check the url, as a client does. Raises SettingsError."""
        settings = _pena.ClientSettings()
        _settings.text(settings, "url", url)
        settings.check()
        parts = urlsplit(url)
        self.url = url.rstrip("/")
        self._host, self._port = parts.hostname or "", parts.port or 80
        self.closed = threading.Event()
        # Without a lock, which a fork might copy while somebody has it: a deque needs none. Each
        # connection is kept with the process that put it back, for a child's first threads all ask
        # at once: whichever takes one of the parent's sees that itself.
        self._idle: deque[_Kept] = deque()
        self._end = weakref.finalize(self, _close, self._idle)

    def close(self) -> None:
        """Take no more requests. Those that run end as they would."""
        self.closed.set()
        self._end()

    def exchange(self, request: Request) -> Answer | Lost:
        """Do it once. Only what is no trouble with the connection is raised."""
        if self.closed.is_set():
            return Lost("the queue is closed", sent=False, closed=True)
        kept = self._kept()
        if kept is None:
            return self._do(self._new(), request, again=False)
        got = self._do(kept, request, again=False)
        if isinstance(got, Answer) or not got.ended:
            return got
        # A server ends a connection that was idle for long, perhaps just now: that is no trouble.
        got = self._do(self._new(), request, again=True)
        return got if isinstance(got, Answer) else replace(got, sent=True)

    def _new(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._host, self._port)

    def _kept(self) -> http.client.HTTPConnection | None:
        with contextlib.suppress(IndexError):
            while True:
                process, connection = self._idle.pop()
                if process == os.getpid() and _is_quiet(connection.sock):
                    return connection
                connection.close()  # here; a parent's goes on there
        return None

    def _do(
        self, connection: http.client.HTTPConnection, request: Request, *, again: bool
    ) -> Answer | Lost:
        sent = whole = False
        try:
            connection.timeout = request.timeout
            if connection.sock is None:
                connection.connect()
            connection.sock.settimeout(request.timeout)
            sent = True
            # A server that refuses a body closes before it is sent, and has said why.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request(request.method, request.target, request.body)
                whole = True
            with connection.getresponse() as response:
                body = response.read()
                headers = {name.lower(): value for name, value in response.getheaders()}
                whole = whole and not response.will_close
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            ended = isinstance(error, (ConnectionError, http.client.IncompleteRead))
            return Lost(_words(error, request), sent=sent, ended=ended and sent)
        except BaseException:  # such as Ctrl-C: nobody knows what comes next on it
            connection.close()
            raise
        if whole and len(self._idle) < _MOST_IDLE:
            self._idle.append((os.getpid(), connection))
        else:
            connection.close()
        if self.closed.is_set():  # meanwhile
            _close(self._idle)
        return Answer(response.status, headers, body, again)


def _words(error: Exception, request: Request) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {request.timeout:g} s"
    if isinstance(error, (ConnectionResetError, BrokenPipeError)):
        return "the connection ended before the answer"
    if isinstance(error, http.client.IncompleteRead):
        return "the connection ended within the answer"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return f"what came is no HTTP: {error!r}"


def _is_quiet(sock: socket.socket | None) -> bool:
    """Whether nothing came on an idle connection, not even its end."""
    if sock is None:
        return False
    try:
        sock.setblocking(False)
        sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _close(idle: deque[_Kept]) -> None:
    with contextlib.suppress(IndexError):
        while True:
            idle.pop()[1].close()
