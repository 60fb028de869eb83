"""A proxy that loses answers, or keeps them back: the request is done, and nobody is told."""

from __future__ import annotations

import http.client
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class LossyProxy:
    """Passes requests on to the server at `port` of this machine; `url` is where it listens."""

    def __init__(self, port: int) -> None:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body at once: the second of two waits 40 ms for an ACK

            def setup(self) -> None:
                super().setup()
                self.server_side = http.client.HTTPConnection("127.0.0.1", port)

            def finish(self) -> None:
                self.server_side.close()
                super().finish()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                self.server_side.request(self.command, self.path, body)
                with self.server_side.getresponse() as answer:
                    said = answer.read()
                    proxy.passed.append((self.command, self.path))
                proxy.wait_to_answer()
                if proxy.takes_one():
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def __getattr__(self, name: str) -> Any:
                if name.startswith("do_"):
                    return self.do_POST
                raise AttributeError(name)

            def log_message(self, *_: Any) -> None:
                pass

        self._lose = 0
        self._lock = threading.Lock()
        self.passed: list[tuple[str, str]] = []
        self._waits = threading.Condition()
        self._keeps_back = False
        self._let_go = 0  # so often
        self.kept_back = 0
        """So many answers are kept back now."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def lose(self, answers: int) -> None:
        """Lose the next so many."""
        with self._lock:
            self._lose = answers

    def takes_one(self) -> bool:
        """Whether this answer is one of those."""
        with self._lock:
            self._lose -= 1
            return self._lose >= 0

    def keep_back(self) -> None:
        """Keep back each answer from now on."""
        with self._waits:
            self._keeps_back = True

    def let_go(self, *, keep_back: bool = False) -> None:
        """Give the answers that are kept back, and keep back those behind them only if asked to."""
        with self._waits:
            self._keeps_back = keep_back
            self._let_go += 1
            self.kept_back = 0
            self._waits.notify_all()

    def wait_to_answer(self) -> None:
        """Return once the answer that the caller has may be given."""
        with self._waits:
            if self._keeps_back:
                self.kept_back += 1
                before = self._let_go
                self._waits.wait_for(lambda: self._let_go > before)

    def __enter__(self) -> LossyProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
