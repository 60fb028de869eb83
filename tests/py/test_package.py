"""The package: settings, errors, logging, what is typed and what is documented."""

from __future__ import annotations

import ast
import doctest
import inspect
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

import pytest

import pena
from pena import _pena, _running
from pena.client import Client
from pena.server import Server
from support.poll import until
from support.site import Site


def test_the_version_has_one_source() -> None:
    assert pena.__version__ == version("pena")


def test_the_defaults_in_the_signature_are_the_engines() -> None:
    settings = _pena.ServerSettings()
    timing = settings.limits.timing
    default = {
        name: parameter.default for name, parameter in inspect.signature(Server).parameters.items()
    }
    for name in ("lease", "heartbeat", "silence", "stop_time", "drop_grace", "slack"):
        assert timedelta(seconds=default[name]) == getattr(timing, name), name
    assert default["clock_drift"] == timing.clock_drift
    assert timedelta(seconds=default["linger"]) == settings.limits.linger
    for name in ("retry_first", "retry_most"):
        assert timedelta(seconds=default[name]) == getattr(settings.limits, name), name
    for name in ("max_resends", "retry_factor"):
        assert default[name] == getattr(settings.limits, name), name
    assert default["generate"] is settings.generator.stays is None
    assert settings.generator.enabled
    for name in ("count", "rate", "seed"):
        assert default[name] is getattr(settings.generator, name)
    own = _pena.ClientSettings()
    for name, parameter in inspect.signature(Client).parameters.items():
        if name != "url":
            engine = getattr(own, name)
            if isinstance(engine, timedelta):
                engine = engine.total_seconds()
            assert parameter.default == engine, name


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"max_resends": -1}, "max_resends must be from 0"),
        ({"max_resends": "3"}, "max_resends cannot be '3'"),
        ({"drop_grace": 1.0}, "drop_grace .* must be longer than silence"),
        ({"lease": 0}, "lease must be longer than 0"),
        ({"lease": float("nan")}, "lease must be a finite number"),
        ({"lease": "30s"}, "lease must be seconds or a timedelta"),
        ({"heartbeat": timedelta(seconds=2)}, "silence .* at least twice the heartbeat"),
        ({"count": -1}, "count cannot be -1"),
        ({"seed": 2**64}, "seed cannot be"),
        ({"limits": {"batchsize": 0}}, "batchsize must be at least 1"),
        ({"limits": {"batch_size": 5}}, "limits has no 'batch_size'"),
        ({"store": ""}, "store must be the path"),
    ],
)
def test_a_setting_that_cannot_be_is_named(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(pena.SettingsError, match=sentence) as raised:
        pena.Server(**settings)  # type: ignore[arg-type]
    assert isinstance(raised.value, ValueError)


@pytest.mark.parametrize("listen", ["nonsense", "127.0.0.1", "127.0.0.1:70000", "0.0.0.0:0"])
def test_an_address_that_cannot_be_is_named(listen: str) -> None:
    with pytest.raises(pena.SettingsError, match=listen.split(":")[0]):
        pena.Server(listen=listen).start()


def test_an_address_that_is_taken() -> None:
    with pena.Server(generate=False) as server:
        with pytest.raises(pena.ListenError, match=str(server.port)) as raised:
            pena.Server(listen=f"127.0.0.1:{server.port}").start()
    assert isinstance(raised.value, OSError)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"panicked": "maybe"}, 'panicked must be "report" or "omit", not "maybe"'),
        ({"batchsize": -1}, "batchsize cannot be -1"),
        ({"batchsize": 0}, "batchsize"),
        ({"url": "ftp://x"}, "url"),
    ],
)
def test_a_clients_setting_that_cannot_be_is_named(
    settings: dict[str, object], sentence: str
) -> None:
    with pytest.raises(pena.SettingsError, match=sentence):
        pena.Client(**{"url": "http://127.0.0.1:1", **settings}).start()  # type: ignore[arg-type]


def test_what_was_not_started_says_so() -> None:
    server = pena.Server()
    server.stop()
    assert not server.running
    for ask in (lambda: server.url, lambda: server.stats, lambda: list(server.queue), server.wait):
        with pytest.raises(pena.NotRunningError, match="not started"):
            ask()


def test_a_server_starts_once() -> None:
    with pena.Server(generate=False) as server:
        with pytest.raises(pena.NotRunningError, match="before"):
            server.start()
        with server:  # one `with` inside another does not start it again
            pass


def at_once(call: Callable[[], object], seen: list[object] | None = None) -> list[object]:
    """Return what `call` returns or raises in each of 8 threads that begin together."""
    seen = [] if seen is None else seen
    begin = threading.Barrier(8)

    def work() -> None:
        begin.wait()
        try:
            seen.append(call())
        except pena.PenaError as error:
            seen.append(error)

    threads = [threading.Thread(target=work) for _ in range(begin.parties)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen


@pytest.mark.parametrize("word", ["server", "client"])
def test_of_threads_that_start_one_at_once_one_does(
    word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    starting: list[object] = []
    log_queue = _running.log_queue

    def when_all_have_asked() -> _pena.LogQueue:
        starting.append(None)
        until(lambda: len(seen) + len(starting) >= 8, "all threads have asked")
        return log_queue()

    with pena.Server(generate=False) as other:
        one = pena.Client(other.url) if word == "client" else pena.Server(generate=False)
        with monkeypatch.context() as patch:
            patch.setattr(_running, "log_queue", when_all_have_asked)
            at_once(one.start, seen)
        try:
            assert seen.count(one) == len(starting) == 1
            refused = {str(error) for error in seen if error is not one}
            assert refused == {f"the {word} was started before; make a new one"}
            assert one.running
        finally:
            stopped = at_once(one.stop)
        assert stopped == [None if word == "client" else 0] * 8
        assert not one.running


def test_threads_may_close_a_store_at_once(tmp_path: Path) -> None:
    with pena.Server(generate=False, store=tmp_path):
        pass
    store = pena.Store(tmp_path)
    assert at_once(store.close) == [None] * 8


def test_a_start_that_failed_may_be_tried_again(tmp_path: Path) -> None:
    with pena.Server(generate=False, store=tmp_path):
        second = pena.Server(generate=False, store=tmp_path)
        for _ in range(2):
            with pytest.raises(pena.StoreInUseError):
                second.start()
        assert not second.running
    with second:
        assert second.running


def test_wait_returns_when_another_thread_stops_the_server() -> None:
    with pena.Server(generate=False) as server:
        assert server.wait(0) is False
        assert server.wait(timedelta(milliseconds=1)) is False
        waited: list[bool] = []
        thread = threading.Thread(target=lambda: waited.append(server.wait()))
        thread.start()
        server.stop()
        thread.join()
        assert waited == [True]
        assert not server.running


def test_what_the_server_says_is_logged(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "pena")
    server = site.server(count=1)
    stream = site.stream(server.url, 1)
    batch = stream.next_batch()
    stream.report(batch)
    server.stop()
    grant = f"grant batch={batch.batch} client={stream.client} msgs=[{batch.ids[0]}/1]"
    grants = [r for r in caplog.records if r.getMessage() == grant]
    assert [(record.name, record.levelname) for record in grants] == [("pena.server", "DEBUG")]


def test_a_log_handler_may_use_the_server(site: Site) -> None:
    """An engine never waits for Python, so what a handler does cannot hold it up."""
    server = pena.Server(generate=False)
    seen: list[int] = []

    class Curious(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if server.running:
                seen.append(server.stats.clients_joined)
                server.stop()

    logger = logging.getLogger("pena.server")
    handler, level = Curious(), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        with server, pena.Client(server.url, batchsize=1):
            until(lambda: seen, "the handler was called")
            assert server.wait(20)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def test_stats_are_all_there(site: Site) -> None:
    server = site.server(count=3)
    stream = site.stream(server.url, 3)
    stream.report(stream.next_batch())
    stats = server.stats
    assert (stats.generated, stats.sent, stats.reported, stats.batches) == (3, 3, 3, 1)
    assert (stats.clients_joined, stats.clients_free, stats.clients_busy) == (1, 1, 0)
    assert server.meta("generated") == 3
    assert server.meta("no such number") is None
    assert {field.name for field in fields(stats)} == set(inspect.get_annotations(type(stats)))


def test_an_xid_is_taken_apart() -> None:
    # The example of github.com/rs/xid.
    xid = pena.parse_xid("9m4e2mr0ui3e8a215n4g")
    assert xid.machine == bytes([0x60, 0xF4, 0x86])
    assert (xid.process, xid.counter) == (0xE428, 4271561)
    assert int(xid.time.timestamp()) == 0x4D88E15B
    for text in ("", "9m4e2mr0ui3e8a215n4", "9M4E2MR0UI3E8A215N4G", "9m4e2mr0ui3e8a215n4h"):
        with pytest.raises(ValueError, match="no xid"):
            pena.parse_xid(text)


def test_the_package_is_typed_and_its_names_are_documented() -> None:
    assert (Path(pena.__file__).parent / "py.typed").exists()
    for name in pena.__all__:
        assert name == "__version__" or inspect.getdoc(getattr(pena, name)), name


def test_a_name_is_loaded_when_it_is_first_used() -> None:
    code = """
import sys, pena
assert "pena.xid" not in sys.modules and "dataclasses" not in sys.modules
assert {"Server", "parse_xid", "server"} <= set(dir(pena))
pena.parse_xid("0" * 20)
assert "pena.server" not in sys.modules and "pena.records" not in sys.modules
assert set(pena._HOMES) | {"__version__"} == set(pena.__all__)
pena.Server
assert pena.server.Server is pena.Server is vars(pena)["Server"]
try:
    pena.Sever
except AttributeError as error:
    assert "Sever" in str(error)
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_stub_has_the_names_of_the_module() -> None:
    stub = ast.parse((Path(pena.__file__).parent / "_pena.pyi").read_text())
    classes = [node for node in stub.body if isinstance(node, ast.ClassDef)]
    functions = {node.name for node in stub.body if isinstance(node, ast.FunctionDef)}
    written = {node.name: public(names_in(node)) for node in classes if node.name[0] != "_"}
    there = {name: public(dir(getattr(_pena, name))) for name in written}
    assert written == there
    assert public(dir(_pena)) == written.keys() | functions


def names_in(node: ast.ClassDef) -> list[str]:
    methods = [item.name for item in node.body if isinstance(item, ast.FunctionDef)]
    typed = [item.target for item in node.body if isinstance(item, ast.AnnAssign)]
    return [*methods, *(name.id for name in typed if isinstance(name, ast.Name))]


def public(names: Iterable[str]) -> set[str]:
    return {name for name in names if not name.startswith("_")}


def test_the_examples_in_the_docs_run() -> None:
    for module in (pena, pena.server, pena.client, pena.store, pena.queue):
        result = doctest.testmod(module, extraglobs={"pena": pena})
        assert result.failed == 0
    assert doctest.testmod(pena).attempted > 0


def test_the_type_checker_sees_every_public_name() -> None:
    used = (Path(__file__).parent / "every_public_name.py").read_text()
    assert [name for name in pena.__all__ if f"pena.{name}" not in used] == []
