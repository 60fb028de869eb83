"""The store: one server at a time, any number of readers."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import httpx
import pytest

import pena
from support.process import run, works
from support.site import Site
from support.stream import post


def test_a_second_server_on_the_same_store_is_refused(site: Site) -> None:
    server = site.server()
    with pytest.raises(pena.StoreInUseError, match=r"pena\.lmdb"):
        pena.Server(store=site.store).start()
    # The first one has not noticed.
    stream = site.stream(server.url, 2)
    stream.report(stream.next_batch())


def test_a_start_that_fails_at_its_port_changes_nothing(site: Site, tmp_path: Path) -> None:
    taken = site.server().url.removeprefix("http://")
    with pytest.raises(pena.ListenError):
        pena.Server(listen=taken, store=tmp_path / "new").start()
    assert not (tmp_path / "new").exists()


def test_an_empty_path_is_no_store(tmp_path: Path) -> None:
    for command in (["server", "--listen", "127.0.0.1:0"], ["demo"]):
        refused = run("pena", *command, "--store", "")
        assert refused.returncode == 2
        assert 'expected the path of a folder, not ""' in refused.stderr


def test_a_server_whose_store_is_deleted_says_so(tmp_path: Path) -> None:
    with pena.Server(store=tmp_path / "store", generate=False) as server:
        post(server.url, "/task", {}, 201)
        shutil.rmtree(tmp_path / "store")
        with contextlib.suppress(httpx.TransportError):
            assert httpx.post(server.url + "/task", json={}, timeout=20.0).status_code == 503
        with pytest.raises(pena.StoreError, match=r"of the store .*was deleted"):
            server.wait()


def test_damage_ends_no_interpreter(site: Site, tmp_path: Path) -> None:
    server = site.server(generate=False)
    site.submit(server.url, *range(1, 500))
    server.stop()
    sound = (site.store / "data.mdb").read_bytes()
    dice = random.Random(1)
    script = """
import sys, pena
for path in sys.argv[1:]:
    try:
        with pena.Store(path) as store:
            for bucket in (store.queue, store.later, store.batches, store.report, store.fail):
                list(bucket)
            store.counts()
    except pena.StoreError as error:
        print(error)
"""
    paths = []
    for number in range(40):
        page = dice.randrange(len(sound) // 4096 // 4)
        damaged = bytearray(sound)
        kind = number % 3
        if kind == 0:
            damaged[page * 4096 : page * 4096 + 4096] = bytes(4096)
        elif kind == 1:
            damaged[page * 4096 + dice.randrange(64)] ^= 1 << dice.randrange(8)
        else:
            del damaged[page * 4096 + dice.randrange(4096) :]
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "data.mdb").write_bytes(damaged)
        paths.append(str(folder))
    told = run(sys.executable, "-c", script, *paths)
    assert told.returncode == 0, told.stderr
    assert told.stdout.count("is damaged: page") > 5


def rss_of(process: int, file: Path) -> int:
    """Return how many KiB of `file` a process has read through its map."""
    name = ""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/smaps").read_text().splitlines():
            if "-" in line.split()[0]:
                name = line.split(maxsplit=5)[-1]
            elif line.startswith("Rss:") and name == str(file):
                return int(line.split()[1])
    return 0


def test_a_check_whose_file_shrinks_meanwhile_ends_with_a_sentence(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with pena.Server(store=store, generate=False) as server:
        for _ in range(12):
            post(server.url, "/task", [{"payload": "x" * 20_000}] * 250, 201)
    data = store / "data.mdb"
    check = subprocess.Popen(["pena", "check", store], stderr=subprocess.PIPE, text=True)
    while check.poll() is None and rss_of(check.pid, data) < 4096:
        pass
    check.send_signal(signal.SIGSTOP)
    os.truncate(data, 8192)
    check.send_signal(signal.SIGCONT)
    _, told = check.communicate(timeout=20)
    assert check.returncode in {1, 3}
    assert "was cut off while it was in use" in told


def test_a_start_that_fails_leaves_nothing_and_names_its_store(tmp_path: Path) -> None:
    store = tmp_path / "new" / "store"
    options = ("--listen", "127.0.0.1:0", "--map-size", "64TiB")  # twice that is mapped
    refused = run("pena", "server", "--store", str(store), *options)
    assert refused.returncode == 3
    assert f"cannot open the store {store}: " in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_fifo_is_no_store(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "data.mdb")
    for command in (["check", str(tmp_path)], ["server", "--store", str(tmp_path)]):
        refused = run("pena", *command)
        assert refused.returncode == 3
        assert "data.mdb is no regular file" in refused.stderr
    with pytest.raises(pena.StoreError, match="no regular file"):
        pena.Store(tmp_path)


def test_a_second_server_is_refused_across_processes(site: Site) -> None:
    site.server()
    second = run("pena", "server", "--listen", "127.0.0.1:0", "--store", str(site.store))
    assert second.returncode == 3
    assert second.stdout == ""
    assert "pena.lmdb" in second.stderr


def test_a_store_is_free_again_when_its_server_has_stopped(site: Site) -> None:
    site.server().stop()
    site.server().stop()


def test_a_store_is_read_beside_its_running_server(site: Site) -> None:
    server = site.server(generate=False)
    a, b, c = site.submit(server.url, 1, 2, 3)
    stream = site.stream(server.url, 1)
    first = stream.next_batch()
    with pena.Store(site.store) as store:
        assert list(store.queue) == [b, c]
        assert list(store.batches) == [first.batch]
        assert store.batches[first.batch].id == first.batch
        assert dict(store.batches) == dict(store.batches.items())
        assert first.ids[0] not in store.batches
        stream.report(first)
        stream.next_batch()
        assert list(store.report) == [a]
        assert store.counts() == pena.BucketCounts(queue=1, later=0, batch=1, report=1, fail=0)
    # Closing the reader takes nothing from the server.
    site.submit(server.url, 4)
    assert server.counts().total == 4
    with pytest.raises(pena.StoreInUseError):
        pena.Server(store=site.store).start()


def test_buckets_are_mappings(site: Site) -> None:
    server = site.server(generate=False)
    ids = site.submit(server.url, *range(1, 2501))
    queue = server.queue
    assert len(queue) == 2500
    assert list(queue) == ids == [msg.id for msg in queue.values()]
    assert [msg.period for _, msg in queue.items()] == list(range(1, 2501))
    assert queue[ids[0]].period == 1
    assert ids[-1] in queue
    assert "cjm1bl62c1n2m5ae7pgg" not in queue
    assert "no id" not in queue
    with pytest.raises(KeyError):
        queue["no id"]
    assert repr(queue) == "<bucket queue: 2500>"
    assert [len(b) for b in (server.later, server.report, server.fail, server.batches)] == [0] * 4


def test_records_carry_payload_and_utc(site: Site) -> None:
    server = site.server(generate=False)
    payload = {"text": "ключ", "list": [1, 2.5, None, True]}
    [id] = post(server.url, "/task", {"period": 5, "payload": payload}, 201)["ids"]
    site.submitted.add(id)
    msg = server.queue[id]
    assert msg.payload == payload
    assert msg.attempt == 1
    assert msg.accepted_at.tzinfo is timezone.utc
    age = datetime.now(timezone.utc) - msg.accepted_at
    assert abs(age.total_seconds()) < 60
    assert abs((pena.parse_xid(id).time - msg.accepted_at).total_seconds()) <= 1


def test_no_store_is_an_error_and_makes_none(tmp_path: Path) -> None:
    with pytest.raises(pena.StoreError, match="nowhere"):
        pena.Store(tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []


def test_a_closed_store_says_so(site: Site) -> None:
    site.server().stop()
    store = pena.Store(site.store)
    store.close()
    store.close()
    with pytest.raises(pena.StoreError, match="closed"):
        store.counts()


ON_A_SMALL_DISK = """
import subprocess, sys, pathlib, httpx, pena
disk = pathlib.Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + sys.argv[2], "none", disk], check=True)
"""
needs_a_disk_of_its_own = pytest.mark.skipif(
    "LD_PRELOAD" in os.environ
    or not works("unshare", "--mount", "mount", "-t", "tmpfs", "none", "/tmp"),
    reason="needs to mount a disk of its own",
)


def run_on_a_small_disk(folder: Path, size: str, script: str) -> str:
    ended = run(
        "unshare", "--mount", sys.executable, "-c", ON_A_SMALL_DISK + script, str(folder), size
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@needs_a_disk_of_its_own
def test_a_store_on_a_disk_that_is_full_cannot_be_opened(tmp_path: Path) -> None:
    script = """
with pena.Server(store=disk / "old", limits={"disk_bytes": 0}):
    pass
(disk / "old/lock.mdb").unlink()  # as in a copy that was put back
with open(disk / "ballast", "wb", buffering=0) as ballast:
    try:
        while ballast.write(bytes(4096)) == 4096:
            pass
    except OSError:
        pass
for store in ("old", "new"):
    try:
        pena.Server(store=disk / store).start()
    except pena.StoreError as error:
        print(error)
"""
    told = run_on_a_small_disk(tmp_path, "8m", script)
    assert told.count("No space left on device") == 2, told


@needs_a_disk_of_its_own
def test_what_a_small_disk_has_taken_can_be_sent(tmp_path: Path) -> None:
    script = """
msgs = [{"payload": "x" * 2000}] * 20
with (
    pena.Server(store=disk, generate=False, limits={"disk_bytes": 1 << 20}) as server,
    httpx.Client(base_url=server.url) as http,
):
    while http.post("/task", json=msgs).status_code == 201:
        pass
    while http.post("/task", json=msgs[0]).status_code == 201:
        pass
    waiting = len(server.queue)
    client = pena.Client(server.url, batchsize=10, end_above=1000, max_batches=2)
    with client:
        client.wait(20)
    print(waiting, server.stats.reported)
"""
    waiting, reported = run_on_a_small_disk(tmp_path, "32m", script).split()
    assert int(waiting) > 1000
    assert int(reported) > 0
