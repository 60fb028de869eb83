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
from pena._process import this_process

_MOST_IDLE = 32  # connections that are kept; one that comes back to so many is closed


class _Connection(http.client.HTTPConnection):
    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self._process = this_process()

    def is_ours(self) -> bool:
        """Whether this process made it, and not the one that it was forked from."""
        return self._process is this_process()


_asked: set[_Connection] = set()  # those with a request that runs


def _leave_to_parent() -> None:
    """In a forked child: close its copies of the connections whose requests its parent does.

    The fork may have come within such a request, by a handler of a signal. That goes on in the
    child as well, and would read its parent's answer: now it ends with an error there.
    """
    while _asked:
        sock = _asked.pop().sock
        if sock is not None:
            with contextlib.suppress(OSError):  # it was just being closed
                os.close(sock.detach())  # below whatever is reading from it


os.register_at_fork(after_in_child=_leave_to_parent)


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
        self.closed = False
        # Nothing here has a lock of several threads, which a fork might copy while somebody has it:
        # what sets and deques do is done at once. Whichever of a child's first threads, that all
        # ask together, takes a connection of the parent's sees that by itself.
        self._idle: deque[_Connection] = deque()
        self._pauses: set[threading.Lock] = set()  # each locked, until it is over
        self._end = weakref.finalize(self, _close, self._idle)

    def close(self) -> None:
        """Take no more requests, and end the pauses. Requests that run end as they would."""
        self.closed = True
        self._end()
        with contextlib.suppress(KeyError):
            while True:
                self._pauses.pop().release()

    def pause(self, seconds: float) -> None:
        """Wait so long, or until it is closed."""
        over = threading.Lock()
        over.acquire()
        try:
            self._pauses.add(over)
            if not self.closed:  # looked at behind that: whoever closes it now ends this pause
                over.acquire(timeout=seconds)
        finally:
            self._pauses.discard(over)

    def exchange(self, request: Request) -> Answer | Lost:
        """Do it once. Only what is no trouble with the connection is raised."""
        if self.closed:
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

    def _new(self) -> _Connection:
        return _Connection(self._host, self._port)

    def _kept(self) -> _Connection | None:
        with contextlib.suppress(IndexError):
            while True:
                connection = self._idle.pop()
                if connection.is_ours() and _is_quiet(connection.sock):
                    return connection
                connection.close()  # here; a parent's goes on there
        return None

    def _do(self, connection: _Connection, request: Request, *, again: bool) -> Answer | Lost:
        sent = whole = False
        try:
            _asked.add(connection)
            connection.timeout = request.timeout
            if connection.sock is None:
                connection.connect()
            if not connection.is_ours():  # forked before it could be left to the parent
                raise OSError
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
            if not connection.is_ours():  # the parent has sent the request, or still does
                return Lost("the process was forked within the request")
            ended = isinstance(error, (ConnectionError, http.client.IncompleteRead))
            return Lost(_words(error, request), sent=sent, ended=ended and sent)
        except BaseException:  # such as Ctrl-C: nobody knows what comes next on it
            connection.close()
            raise
        finally:
            _asked.discard(connection)
        # Of a fork within the request, the child has the answer only if all of it was read before.
        if whole and connection.is_ours() and len(self._idle) < _MOST_IDLE:
            self._idle.append(connection)
        else:
            connection.close()
        if self.closed:  # meanwhile
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


def _close(idle: deque[_Connection]) -> None:
    with contextlib.suppress(IndexError):
        while True:
            idle.pop().close()
