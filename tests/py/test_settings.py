"""What users hand in: refused where it is given, with a sentence; and mappings that behave so."""

from __future__ import annotations

import contextlib
import gc
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import pena
from pena import sim
from support.ports import held_port, is_listened_on
from support.process import quiet_environment, run
from support.site import Site

BAD_FOR_A_SERVER: list[tuple[str, object]] = [
    *[("rate", value) for value in (0, -1, float("nan"), float("inf"), 1e-300, 1e300, "5", True)],
    *[("listen", value) for value in (5, None, "", "nonsense", "127.0.0.1:99999", "0.0.0.0:0")],
    *[("listen", value) for value in ("127.0.0.1:-1", "127.0.0.1:٣", "\ud800:1", "127.0.0.1\0:1")],
    *[("store", value) for value in (5, "", b"", "a\0b", "\ud800", [])],
    *[("count", value) for value in (-1, 2**64, 1.5, "5", True, 10**5000)],
    *[("seed", value) for value in (-1, 2**64, 1.5, "5", False)],
    *[("generate", value) for value in ("no", 0, 1.5, [])],
    *[("insecure", value) for value in (None, "yes", 1)],
    *[("max_resends", value) for value in (-1, 1001, 2**31, None, "3", 1.5, True)],
    *[("retry_first", value) for value in (-1, 601, float("nan"), None, "0", True, 1e9)],
    *[("retry_factor", value) for value in (0, -1, 101, None, "2", 1.5, True)],
    *[("retry_most", value) for value in (-1, 0.9, float("nan"), None, "1s", 1e9)],
    *[
        (name, value)
        for name in ("keep_reports", "keep_fails")
        for value in (0, -1, 2**64, 7.0, "7d", True, timedelta(0), timedelta(days=366), [])
    ],
    *[("clock_drift", value) for value in (-0.1, 0.1, float("nan"), None, "0", True)],
    *[
        (name, value)
        for name in ("lease", "heartbeat", "silence", "stop_time", "drop_grace", "slack")
        for value in (0, -1, float("nan"), float("inf"), None, "1s", True, 1e9, 10**400)
    ],
    *[("lease", value) for value in (timedelta.max, timedelta.min, timedelta(0))],
    *[("linger", value) for value in (-1, float("nan"), None, "0", timedelta.max, 1e9)],
    *[("limits", value) for value in (5, "x", [], {"unknown": 1}, {5: 1}, {"batchsize": True})],
    *[("limits", {"batchsize": value}) for value in (0, -1, 2**32, 1.5, "5", None)],
    *[("limits", {"store_fill": value}) for value in (0, 1.1, float("nan"), "x", None)],
    *[
        ("limits", {name: value})
        for name in ("header_time", "body_time", "idle_time", "stalled_write_time")
        for value in (0, -1, float("nan"), None, "1s", timedelta.max)
    ],
]


def short(value: object) -> str:
    try:
        return ascii(value)[:30]
    except ValueError:
        return "huge"


@pytest.mark.parametrize(("name", "value"), BAD_FOR_A_SERVER, ids=short)
def test_a_server_checks_its_settings_in_its_constructor(name: str, value: object) -> None:
    with pytest.raises(pena.SettingsError) as raised:
        pena.Server(**{name: value})  # type: ignore[arg-type]
    word = next(iter(value), name) if isinstance(value, dict) else name
    assert str(word) in str(raised.value)
    assert len(str(raised.value)) < 500


BAD_FOR_A_CLIENT: list[tuple[str, object]] = [
    *[("url", value) for value in (None, 5, "", "x", "ftp://x", "https://x", "http://", "\ud800")],
    *[("url", f"http://127.0.0.1:{port}") for port in (99999, 65536, 0, -1, "x", "08080080")],
    *[("url", value) for value in ("http://a/b", "http://a?b", "http://u@a", "http://a\0")],
    *[("batchsize", value) for value in (0, -1, 1_000_001, 2**32, 1.5, "5", True)],
    *[("max_running", value) for value in (0, -1, 2**32, "5")],
    *[("max_batches", value) for value in (0, -1, 2**64, "5")],
    *[("panic_above", value) for value in (-1, 2**32, None, 1.5)],
    *[("end_above", value) for value in (-1, 2**32, None, "x")],
    *[("panicked", value) for value in (None, 5, "maybe", "")],
    *[("backoff_first", value) for value in (0, -1, float("nan"), None, "1s")],
    *[("backoff_most", value) for value in (0, float("inf"), timedelta.max, None, 1e9)],
]


@pytest.mark.parametrize(("name", "value"), BAD_FOR_A_CLIENT, ids=short)
def test_a_client_checks_its_settings_in_its_constructor(name: str, value: object) -> None:
    with pytest.raises(pena.SettingsError, match=name):
        pena.Client(**{"url": "http://127.0.0.1:1", name: value})  # type: ignore[arg-type]


def test_a_bad_timeout_is_a_sentence() -> None:
    with pena.Server(generate=False) as server:
        for timeout in (float("nan"), float("inf"), "1", True, 10**400, timedelta.max):
            with pytest.raises(pena.SettingsError, match="timeout"):
                server.wait(timeout)  # type: ignore[arg-type]
        assert server.wait(-1) is False


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"max_resends": 2**31}, "a whole number from 0 to 1000"),
        ({"limits": {"batchsize": 2**32}}, "a whole number from 1 to 4294967295"),
        ({"limits": {"period_ms": 2**32}}, "a whole number from 1 to 4294967295"),
        ({"limits": {"json_depth": 2**31}}, "a whole number from 1 to 500"),
        ({"limits": {"error_bytes": -1}}, "a whole number from 3 to 65536"),
        ({"limits": {"disk_bytes": -1}}, "a whole number from 0 that fits into 64 bits"),
        ({"limits": {"queue_msgs": 2**64}}, "a whole number from 1 that fits into 64 bits"),
        ({"limits": {"map_bytes": 1024}}, "map_bytes must be at least 1048576, not 1024"),
        ({"count": 2**64}, "a whole number from 0 that fits into 64 bits"),
        ({"limits": {"store_fill": "x"}}, "store_fill cannot be 'x'; expected a number"),
        *[
            ({"limits": {"map_bytes": value}}, "a whole number from 1048576 to 70368744177664")
            for value in (2**46 + 1, 2**63, 2**64 - 1, 2**64)
        ],
        *[
            ({"limits": {"payload_bytes": value}}, "a whole number from 1 to 2147483648")
            for value in (2**31 + 1, 2**63, 2**64 - 1, 2**64)
        ],
        ({"limits": {"header_bytes": 2**32}}, "a whole number from 1 to 4294967295"),
        ({"limits": {"header_bytes": 2**64 - 1}}, "a whole number from 1 to 4294967295"),
        ({"keep_reports": 7.0}, "expected a timedelta, a whole number of msgs from 1, or None"),
        ({"allow_hosts": ["a\0b"]}, r"allow_hosts has 'a\x00b'; expected several names of hosts"),
        ({"allow_hosts": ["a", 5]}, "allow_hosts has 5; expected several names of hosts"),
        ({"allow_hosts": ["\ud800"]}, r"allow_hosts has '\ud800'; expected several names of hosts"),
    ],
    ids=short,
)
def test_a_servers_sentence_says_what_may_be(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(pena.SettingsError) as raised:
        pena.Server(**settings)
    assert sentence in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value", "bounds"),
    [
        ("batchsize", 2**32, "from 1 to 1000000"),
        ("max_running", 2**32, "from 1 to 4294967295"),
        ("panic_above", 2**32, "from 0 to 4294967295"),
        ("end_above", -1, "from 0 to 4294967295"),
        ("max_batches", -1, "from 1 that fits into 64 bits"),
    ],
)
def test_a_clients_sentence_says_what_may_be(name: str, value: int, bounds: str) -> None:
    sentence = f"^{name} cannot be {value}; expected a whole number {bounds}$"
    with pytest.raises(pena.SettingsError, match=sentence):
        pena.Client("http://127.0.0.1:1", **{name: value})  # type: ignore[arg-type]


def test_the_bounds_that_sentences_name_are_the_engines() -> None:
    most = {"batchsize": 2**32 - 1, "period_ms": 2**32 - 1, "json_depth": 500, "error_bytes": 65536}
    pena.Server(max_resends=1000, limits={**most, "window_msgs": 2**33})  # type: ignore[typeddict-item]
    pena.Server(keep_reports=timedelta(days=365), keep_fails=2**64 - 1)
    pena.Server(limits={"json_depth": 1, "error_bytes": 3, "disk_bytes": 0})
    pena.Client("http://127.0.0.1:1", batchsize=1_000_000, max_running=2**32 - 1)
    for beyond in (
        {"max_resends": 1001},
        {"limits": {"json_depth": 501}},
        {"limits": {"error_bytes": 2}},
        {"limits": {"error_bytes": 65537}},
    ):
        with pytest.raises(pena.SettingsError):
            pena.Server(**beyond)  # type: ignore[arg-type]
    with pytest.raises(pena.SettingsError):
        pena.Client("http://127.0.0.1:1", batchsize=1_000_001)


def test_the_largest_sizes_are_taken_or_refused_with_a_sentence(tmp_path: Path) -> None:
    with pena.Server(store=tmp_path / "a", limits={"payload_bytes": 2**31}) as server:
        with pena.Client(server.url, batchsize=1, end_above=1000, max_batches=1) as client:
            end = client.wait(20)
        assert end is not None
        assert end.reason is pena.EndReason.batches_done
    # The system says how much it maps.
    server = pena.Server(store=tmp_path / "b", generate=False, limits={"map_bytes": 2**46})
    with contextlib.suppress(pena.StoreError):
        server.start()
    server.stop()


@pytest.mark.parametrize("key", [5, None, b"x", "\ud800"])
def test_a_key_that_is_no_text_is_a_sentence(tmp_path: Path, key: object) -> None:
    with pena.Server(store=tmp_path, generate=False) as server, pena.Store(tmp_path) as store:
        for meta in (server.meta, store.meta):
            with pytest.raises(pena.SettingsError, match=r"^key cannot be .*; expected text$"):
                meta(key)  # type: ignore[arg-type]
            for unknown in ("", "a\0b", "x" * 10_000):
                assert meta(unknown) is None


@pytest.mark.parametrize("bucket", ["queue", "batches", "report", "fail"])
def test_buckets_are_mappings(site: Site, bucket: str) -> None:
    server = site.server(generate=False)
    ids = site.submit(server.url, 1, 2, 3)
    mapping: Mapping[Any, Any] = getattr(server, bucket)
    assert isinstance(mapping, Mapping)
    for key in (5, None, b"x", "\ud800", "", "x" * 20, 1.5, ("a",), [], object(), ids[0].upper()):
        assert key not in mapping
        assert mapping.get(key) is None
        assert mapping.get(key, 7) == 7
        assert key not in mapping.keys()  # noqa: SIM118
        assert (key, 1) not in mapping.items()
        assert key not in mapping.items()
        assert (key, 1, 2) not in mapping.items()
        with pytest.raises(KeyError):
            mapping[key]
    expected = ids if bucket == "queue" else []
    assert list(mapping) == list(mapping.keys()) == [key for key, _ in mapping.items()] == expected
    assert len(mapping) == len(mapping.values()) == len(expected)
    assert bool(mapping) == bool(expected)
    assert mapping == dict(mapping)
    assert (mapping == {}) is not bool(expected)
    for key, record in mapping.items():
        assert key in mapping
        assert mapping[key] == record
        assert (key, record) in mapping.items()
        assert record in mapping.values()


@pytest.mark.parametrize("text", ["\ud800", "x", "", "9M4E2MR0UI3E8A215N4G"])
def test_what_is_no_xid_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="is no xid"):
        pena.parse_xid(text)


def test_a_server_that_nobody_has_any_more_is_gone_at_once() -> None:
    gc.disable()
    try:
        with held_port() as port:
            server = pena.Server(listen=f"127.0.0.1:{port}", generate=False).start()
            assert is_listened_on(port)
            assert len(server.queue) == 0
            del server
            assert not is_listened_on(port)
    finally:
        gc.enable()


def test_a_store_that_nobody_has_any_more_is_closed_at_once(tmp_path: Path) -> None:
    with pena.Server(store=tmp_path / "store", generate=False):
        pass

    def open_files() -> int:
        files = Path("/proc/self/fd").iterdir()
        return sum("data.mdb" in str(file.resolve()) for file in files)

    before = open_files()
    gc.disable()
    try:
        store = pena.Store(tmp_path / "store")
        assert len(store.queue) == 0
        assert open_files() > before
        del store
        assert open_files() == before
    finally:
        gc.enable()


def test_a_path_that_is_no_unicode_is_a_path(tmp_path: Path) -> None:
    folder = bytes(tmp_path) + b"/\xff\xe4"
    with pena.Server(store=folder, generate=False):
        pass
    with pena.Store(folder) as store:
        assert store.counts().total == 0


def test_a_sentence_shows_a_path_that_is_no_unicode(tmp_path: Path) -> None:
    nowhere = bytes(tmp_path) + b"/\xff"
    with pytest.raises(pena.StoreError, match=r"no store at .*/\\xff; expected"):
        pena.Store(nowhere)
    folder = bytes(tmp_path) + b"/\xff\xfe"
    with pena.Server(store=folder, generate=False) as server:
        with pytest.raises(pena.StoreInUseError, match=r"/\\xff\\xfe"):
            pena.Server(store=folder).start()
        Path(os.fsdecode(folder), "data.mdb").unlink()
        with contextlib.suppress(httpx.TransportError):
            assert httpx.post(server.url + "/task", json={}, timeout=20.0).status_code == 503
        with pytest.raises(pena.StoreError, match=r"/\\xff\\xfe was deleted"):
            server.wait()


def test_what_a_foreign_server_says_is_shown_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Its bytes need not be UTF-8; the thread that logs outlives them."""
    caplog.set_level("INFO", "pena")
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        url = f"http://127.0.0.1:{foreign.getsockname()[1]}"
        with pena.Client(url, batchsize=1) as client:
            answered, _ = foreign.accept()
            with answered:
                answered.recv(4096)
                answered.sendall(b"HTTP/1.1 400 No\r\nContent-Length: 4\r\n\r\nno \xff")
                end = client.wait(20)
    assert end is not None
    assert end.reason is pena.EndReason.refused
    assert r"400: no \xff" in end.text
    assert end.text in caplog.text
    with pena.Server(generate=False) as server:
        url = server.url
    assert f"listening on {url}" in caplog.text


@pytest.mark.parametrize("module", [("pena", "check"), ("pena.server",), ("pena.client",)])
def test_an_argument_that_is_no_unicode_is_one_sentence(module: tuple[str, ...]) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", *module, b"/nonexistent\xff"],
        env=quiet_environment(),
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert ran.returncode in (2, 3)
    assert ran.stderr.startswith(b"pena: ")
    assert ran.stderr.count(b"\n") == 1


SUB_INTERPRETER = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
made = interpreters.create()
code = '''
try:
    import pena
    pena.Server
except ImportError as error:
    print("sub-interpreter" in str(error) or "subinterpreter" in str(error), flush=True)
'''
interpreters.run_string(made, code)
interpreters.destroy(made)
import pena
from pena import sim
with pena.Server(generate=False):
    print("main", flush=True)
"""


def test_a_sub_interpreter_is_refused() -> None:
    ran = run(sys.executable, "-c", SUB_INTERPRETER)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "True\nmain\n", "")


@pytest.mark.parametrize("name", ["count", "rate"])
def test_what_is_generated_says_nothing_where_nothing_is(name: str) -> None:
    sentence = f"^{name} is 5, and generate is False; expected one without the other$"
    with pytest.raises(pena.SettingsError, match=sentence):
        pena.Server(generate=False, **{name: 5})  # type: ignore[arg-type]
    pena.Server(generate=False, seed=5)


def in_environment(variables: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=quiet_environment() | variables,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value", "command"),
    [
        ("PENA_SERVER_NO_GENERATE", "maybe", ("pena", "server")),
        ("PENA_SERVER_LEASE", "nan", ("pena", "server")),
        ("PENA_CLIENT_URL", "http://127.0.0.1:99999", ("pena", "client")),
        ("PENA_SIM_LENGTH", "0s", ("pena", "sim")),
        ("PENA_BENCH_JSON", "2", ("pena", "bench")),
        ("PENA_SERVER_NO_GENERATE", "TRUTH", ("pena", "server")),
    ],
)
def test_a_variable_is_checked_like_an_option(
    name: str, value: str, command: tuple[str, ...]
) -> None:
    ran = in_environment({name: value}, *command)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.count("\n") == 1
    assert value in ran.stderr


def test_a_variable_that_nobody_reads_is_named_in_a_warning() -> None:
    sim = ("pena", "sim", "--seeds=1", "--length=1s", "--json")
    ran = in_environment({"PENA_COUNT": "5", "PENA_NONSENSE": "1"}, *sim)
    assert ran.returncode == 0
    assert "PENA_SERVER_COUNT" in ran.stderr
    assert "PENA_NONSENSE" in ran.stderr
    assert in_environment({"PENA_SERVER_COUNT": "5"}, *sim).stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("client", "--url=http://127.0.0.1:99999"),
        ("bench", "--url=http://127.0.0.1:99999"),
        ("server", "--listen=127.0.0.1:99999"),
        ("server", "--listen=127.0.0.1:-1"),
        ("server", "--rate=1e-300"),
        ("server", "--rate=nan"),
        ("server", "--count=5", "--no-generate"),
        ("server", "--no-generate", "--rate=5"),
        ("sim", "--length=0s"),
        ("sim", "--faults="),
        ("sim", "--faults=drop,,crash"),
        ("client", "--batchsize=1000001"),
        ("nonsense",),
        ("help", "nonsense"),
    ],
    ids=" ".join,
)
def test_a_bad_value_is_one_sentence_and_exit_2(arguments: tuple[str, ...]) -> None:
    ran = run("pena", *arguments)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("pena: ")
    assert ran.stderr.count("\n") == 1


def test_sentences_show_what_was_given(site: Site) -> None:
    server = site.server(generate=False)
    answer = httpx.get(f'{server.url}/task?batchsize="5"')
    assert answer.status_code == 400
    assert "'\"5\"'" in answer.json()["error"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("seed", value) for value in (-1, 2**64, 1.5, "1", True, None)],
        *[("length", value) for value in (0, -1, float("nan"), float("inf"), 1e9, "1s", None)],
        *[("faults", value) for value in ("nonsense", ["drop", "x"], "a\0b", "\ud800")],
    ],
    ids=short,
)
def test_a_world_that_cannot_be_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"seed|length|is no kind of fault|^faults cannot be"):
        sim.run(**{"seed": 1, name: value})  # type: ignore[arg-type]
