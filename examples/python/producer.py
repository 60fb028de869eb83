"""Submits msgs, waits until each has ended, and prints what became of it.

usage: producer.py [--url URL] [--queue NAME] <msgs, or PENA_URL, PENA_QUEUE
needs: Python 3.10 or later, httpx

Each line of the input is a msg with a key: {"key":"order 7","payload":{"n":7}}. A msg of that key
is accepted once, however often it is submitted: so ask again whenever an answer is lost.
Exit code: 0 all were reported, 1 some failed, 2 they could not be submitted.
"""

import argparse
import json
import os
import sys
import time
from typing import Any, NoReturn

import httpx

SILENCE = 10.0  # s in which an answer comes
AGAIN = 0.5  # s until the next try, and between two looks at a msg
MSGS = 25  # of a request: so many of the largest (256 KiB) fit in a body (8 MiB)
TEMPORARY = {408, 425, 429, 500, 502, 503, 504}
Msg = dict[str, Any]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def refuse(text: str) -> NoReturn:
    say(text)
    sys.exit(2)


def read_msgs() -> list[tuple[str, str]]:
    """Return the key and the line of each: a line is sent as it stands, digit for digit."""
    msgs = []
    for number, line in enumerate(sys.stdin, 1):
        try:
            msg = json.loads(line)
        except ValueError:
            msg = None
        if not isinstance(msg, dict) or not isinstance(msg.get("key"), str):
            refuse(f'line {number} is {line.strip()[:80]}; expected {{"key":"…","payload":…}}')
        msgs.append((msg["key"], line))
    return msgs


def ask(http: httpx.Client, method: str, path: str, **more: Any) -> httpx.Response:
    """Ask until that is answered."""
    while True:
        try:
            answer = http.request(method, path, **more)
            if answer.status_code not in TEMPORARY:
                return answer
            say(f"not taken: {answer.text}")
        except httpx.TransportError as error:
            say(f"not answered: {error!r}")
        time.sleep(AGAIN)


def submit(http: httpx.Client, queue: str, lines: list[str]) -> list[str]:
    ids: list[str] = []
    for first in range(0, len(lines), MSGS):
        body = f"[{','.join(lines[first : first + MSGS])}]"
        answer = ask(http, "POST", "/task", params={"queue": queue}, content=body)
        if answer.status_code != 201:
            refuse(answer.text)
        ids += answer.json()["ids"]
    return ids


def wait(http: httpx.Client, id: str) -> Msg:
    """Return where it stands once it has ended."""
    while True:
        answer = ask(http, "GET", f"/task/{id}")
        if answer.status_code != 200:  # deleted, or forgotten (--keep-reports, --keep-fails)
            return {"state": "unknown", "story": [{"outcome": answer.text}]}
        msg: Msg = answer.json()
        if msg["state"] in ("reported", "failed"):
            return msg
        time.sleep(AGAIN)


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--url", default=os.environ.get("PENA_URL") or "http://127.0.0.1:8080")
    options.add_argument("--queue", default=os.environ.get("PENA_QUEUE") or "default")
    given = options.parse_args()
    msgs, failed = read_msgs(), 0
    with httpx.Client(base_url=given.url, timeout=SILENCE) as http:
        ids = submit(http, given.queue, [line for _, line in msgs])
        for (key, _), id in zip(msgs, ids, strict=True):
            ended = wait(http, id)
            if ended["state"] == "reported":
                print(json.dumps({"key": key, "id": id, "result": ended.get("result")}))
                continue
            failed += 1
            last = ended["story"][-1]
            say(f"failed: {key}: {last.get('error', last['outcome'])}")
    return 1 if failed else 0


sys.exit(main())
