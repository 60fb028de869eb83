"""Takes one batch, and keeps its lease for as long as the job takes.

usage: worker.py http://127.0.0.1:8080
"""

import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request

url = sys.argv[1]


def job(msg):
    """Do what takes long."""
    time.sleep(msg["period"] / 1000)


def report(body):
    data = json.dumps(body).encode()
    with urllib.request.urlopen(f"{url}/report", data, timeout=10) as answer:
        return json.load(answer)


def lost(why):
    print(why, file=sys.stderr)
    os._exit(1)  # ends the job, too


def keep(batch, lease, done):
    """Let the lease begin again, three times in each; what fails is made up for by the next."""
    while not done.wait(lease / 3):
        try:
            report({"batch": batch, "ids": [], "partial": True})
        except OSError as error:
            if getattr(error, "code", 0) == 409 and not done.is_set():
                lost("the batch is over")
            print(f"not kept this time: {error}", file=sys.stderr)


def work(batch, lease, msg, done):
    keeper = threading.Thread(target=keep, args=(batch, lease, done))
    keeper.start()
    job(msg)
    done.set()
    keeper.join()
    while True:
        try:
            print(report({"batch": batch, "ids": [msg["id"]]}))
            return
        except urllib.error.HTTPError as error:
            if error.code != 503:
                lost(error.read().decode())  # 409: the work came too late
        except OSError as error:
            print(f"not answered: {error}", file=sys.stderr)
        time.sleep(1)


done = threading.Event()
worker = None
# A heartbeat comes each second: after ten without one the stream is lost.
with urllib.request.urlopen(f"{url}/task?batchsize=1&batches=1", timeout=10) as stream:
    lease = int(stream.headers["Pena-Lease"]) / 1000
    try:
        for line in stream:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "id" and value:
                batch = value
            elif name == "data":
                args = (batch, lease, json.loads(value), done)
                worker = threading.Thread(target=work, args=args)
                worker.start()
    except OSError as error:
        print(f"the stream broke off: {error}", file=sys.stderr)
if worker is None or not done.is_set():
    lost("the stream has ended before the job")
worker.join()
