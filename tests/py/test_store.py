"""The store: one server at a time, any number of readers."""

import contextlib
import random
import shutil
import sys
from datetime import datetime, timezone
from pathlib import Path

import httpx
import pytest

import pena
from support.process import run
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
            for bucket in (store.queue, store.batches, store.report, store.fail):
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
        stream.report(first)
        stream.next_batch()
        assert list(store.report) == [a]
        assert store.counts() == pena.BucketCounts(queue=1, batch=1, report=1, fail=0)
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
    assert (len(server.report), len(server.fail), len(server.batches)) == (0, 0, 0)


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
