"""A client of Pena with no Pena library: httpx, and the lines of the stream."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

TIMEOUT = 20.0
# Nothing here is encrypted, but without it httpx reads all certificates of the machine anew for
# each client.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True)
class Received:
    """One batch as it came."""

    batch: str
    msgs: list[dict[str, Any]]

    @property
    def ids(self) -> list[str]:
        return [msg["id"] for msg in self.msgs]


class TaskStream:
    """One `GET /task` stream."""

    def __init__(self, url: str, batchsize: int, *, more: str = "") -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT, verify=NO_TLS)
        request = self._http.build_request("GET", f"/task?batchsize={batchsize}{more}")
        self.response = self._http.send(request, stream=True)
        assert self.response.status_code == 200, self.response.read()
        self._lines = self.response.iter_lines()
        assert next(self._lines).startswith(": at="), "the first bytes are a stamp"

    @property
    def client(self) -> str:
        return self.response.headers["Pena-Client"]

    def next_batch(self) -> Received:
        """Wait for a batch and return it whole."""
        note = next(line for line in self._lines if line.startswith(": batch="))
        words = dict(word.split("=") for word in note.removeprefix(": ").split())
        received = Received(words["batch"], [])
        while len(received.msgs) < int(words["size"]):
            received.msgs.append(self._event(received.batch))
        return received

    def _event(self, batch: str) -> dict[str, Any]:
        fields = []
        for line in self._lines:
            if line.startswith(":"):
                assert "batch=" not in line, "a batch arrives whole"
            elif line:
                fields.append(line)
            elif fields:
                break
        named = dict(field.split(": ", 1) for field in fields)
        assert named.keys() == {"id", "data"}, fields
        assert named["id"] == batch
        return json.loads(named["data"])

    def expect_nothing(self, heartbeats: int = 3) -> None:
        """Read so many heartbeats, between which nothing else may come."""
        seen = 0
        while seen < heartbeats:
            line = next(self._lines)
            assert not line or line.startswith(": at="), f"came unasked: {line}"
            seen += line.startswith(": at=")

    def read_to_the_end(self, *, well: bool = False) -> list[str]:
        """Return the lines up to the end of the stream, which ends well or is cut."""
        if well:
            return list(self._lines)
        lines: list[str] = []
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
            lines.extend(self._lines)
        return lines

    def read_to_a_block_end(self) -> int:
        """Read what comes up to the end of a block without an event; return its lines."""
        return 1 + sum(1 for _ in iter(self._lines.__next__, "id:"))

    def report(
        self, received: Received, ids: list[str] | None = None, **more: Any
    ) -> dict[str, Any]:
        """Report `ids` (None: all) of a batch, naming the batch."""
        body = {"batch": received.batch, "ids": received.ids if ids is None else ids, **more}
        return post(self.url, "/report", body)

    def leave(self) -> int:
        """Say that this client takes no more; return how many msgs it holds."""
        answer = post(self.url, "/report", {"client": self.client, "last": True})
        held = answer.pop("held")
        assert answer == {"message": "success", "reported": 0, "duplicate": 0, "unknown": 0}
        return int(held)

    def close(self) -> None:
        self.response.close()
        self._http.close()


def post(url: str, path: str, body: Any, status: int = 200) -> dict[str, Any]:
    """POST `body` as JSON and return the answer, which must have `status`."""
    answer = httpx.post(url + path, json=body, timeout=TIMEOUT, verify=NO_TLS)
    assert answer.status_code == status, answer.text
    return answer.json()


def get(url: str, path: str, status: int = 200) -> dict[str, Any]:
    """GET a JSON answer, which must have `status`."""
    answer = httpx.get(url + path, timeout=TIMEOUT, verify=NO_TLS)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    return answer.json()
