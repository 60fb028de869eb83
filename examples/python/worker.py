"""Works on the msgs of a queue, one after the other, until SIGTERM.

usage: worker.py [--url URL] [--queue NAME] [--name NAME], or PENA_URL, PENA_QUEUE, PENA_NAME
needs: Python 3.10 or later, httpx, httpx-sse
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
import threading
from typing import Any

import httpx
from httpx_sse import aconnect_sse

SILENCE = 10.0  # s without a sign of life, after which a stream is lost
AGAIN = 1.0  # s until the next try
TEMPORARY = {408, 425, 429, 500, 502, 503, 504}
Msg = dict[str, Any]


class FinalError(Exception):
    """Another attempt would fail, too."""


def job(msg: Msg, over: threading.Event) -> Any:
    """Do the work: put your own here.

    Args:
        msg: as the server sent it.
        over: set once the batch is lost; what is done from then on is in vain.

    Returns:
        The result, any JSON.

    Raises:
        FinalError: the msg fails for good.
        Exception: the msg fails, and is sent again after the backoff.
    """
    payload = msg.get("payload")
    if not isinstance(payload, dict) or not isinstance(payload.get("n"), int):
        raise FinalError('the payload has no "n"; expected a whole number')
    if over.wait(msg["period"] / 1000):  # what takes long
        raise RuntimeError("the batch was over")
    if msg.get("attempt", 1) <= payload.get("busy", 0):
        raise RuntimeError("the target was busy")
    return {"square": payload["n"] ** 2}


def failed(msg: Msg, error: Exception) -> Msg:
    """Return what its report will say."""
    entry = {"id": msg["id"], "error": str(error), "final": isinstance(error, FinalError)}
    return {"ids": [], "failed": [entry]}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Worker:
    """Has one stream, and works on one msg at a time."""

    def __init__(self, http: httpx.AsyncClient, queue: str, name: str) -> None:
        self._http = http
        self._asks = {"batchsize": "1", "submitted": "1", "queue": queue, "name": name}
        self._stopping = asyncio.Event()
        self._working: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Take one stream after the other; what runs when one is lost is finished first."""
        while not self._stopping.is_set():
            try:
                await self._read()
            except httpx.TransportError as error:
                say(f"the stream is lost: {error!r}")
            if self._working:
                await self._working
            if not self._stopping.is_set():
                await asyncio.sleep(AGAIN)

    def stop(self) -> None:
        """Finish what runs or is on its way, take no more, and end."""
        self._stopping.set()

    async def _read(self) -> None:
        async with aconnect_sse(self._http, "GET", "/task", params=self._asks) as source:
            answer = source.response
            if answer.status_code != 200:
                text = (await answer.aread()).decode()
                if answer.status_code not in TEMPORARY:
                    raise FinalError(text)
                say(f"there is no stream: {text}")
                return
            lease = int(answer.headers["Pena-Lease"]) / 1000
            leaving = asyncio.create_task(self._leave(answer.headers["Pena-Client"]))
            try:
                async for event in source.aiter_sse():
                    if event.data:
                        if self._working:  # its report was taken: so this msg came
                            await self._working
                        work = self._work(event.id, json.loads(event.data), lease)
                        self._working = asyncio.create_task(work)
            finally:
                leaving.cancel()

    async def _leave(self, client: str) -> None:
        """Once told to stop, say that no more is taken, until that is answered.

        The stream ends then. Whatever `held` in the answer is: a batch that is on its way comes
        before the end.
        """
        await self._stopping.wait()
        while True:
            answer = await self._report({"client": client, "last": True})
            if answer is not None and answer.status_code == 200:
                return
            say("not answered" if answer is None else f"not taken: {answer.text}")
            await asyncio.sleep(AGAIN)

    async def _work(self, batch: str, msg: Msg, lease: float) -> None:
        over = threading.Event()
        keeper = asyncio.create_task(self._keep(batch, lease, over))
        try:
            result = await asyncio.to_thread(job, msg, over)
            json.dumps(result, allow_nan=False)  # a result that is no JSON is a failure, too
            outcome = {"ids": [msg["id"]], "results": {msg["id"]: result}}
        except Exception as error:
            outcome = failed(msg, error)
        keeper.cancel()
        try:
            await self._settle(batch, outcome)
        except FinalError as error:
            await self._settle(batch, failed(msg, error))

    async def _keep(self, batch: str, lease: float, over: threading.Event) -> None:
        """Let the lease begin again, three times in each; what fails is made up for by the next."""
        while True:
            await asyncio.sleep(lease / 3)
            answer = await self._report({"batch": batch, "ids": [], "partial": True})
            if answer is not None and answer.status_code == 409 and answer.json()["held"] == 0:
                say(f"the batch {batch} is over")
                over.set()
                return

    async def _settle(self, batch: str, outcome: Msg) -> None:
        """Report it until that is answered.

        Raises:
            FinalError: the server takes no such report; its sentence says why.
        """
        while True:
            last = self._stopping.is_set()
            answer = await self._report({"batch": batch, **outcome, "last": last})
            if answer is not None and answer.status_code == 200:
                print(json.dumps(outcome), flush=True)
                return
            if answer is not None and answer.status_code == 409:
                say(f"too late: {answer.text}")
                return
            if answer is not None and answer.status_code not in TEMPORARY:
                raise FinalError(f"the report was refused: {answer.text}")
            say("not answered" if answer is None else f"not taken: {answer.text}")
            await asyncio.sleep(AGAIN)

    async def _report(self, body: Msg) -> httpx.Response | None:
        try:
            return await self._http.post("/report", json=body)
        except httpx.TransportError:
            return None


async def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--url", default=os.environ.get("PENA_URL") or "http://127.0.0.1:8080")
    options.add_argument("--queue", default=os.environ.get("PENA_QUEUE") or "default")
    name = f"{socket.gethostname()}-{os.getpid()}"
    options.add_argument("--name", default=os.environ.get("PENA_NAME") or name)
    given = options.parse_args()
    async with httpx.AsyncClient(base_url=given.url, timeout=SILENCE) as http:
        worker = Worker(http, given.queue, given.name)
        for sign in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(sign, worker.stop)
        try:
            await worker.run()
        except FinalError as error:
            sys.exit(str(error))


asyncio.run(main())
