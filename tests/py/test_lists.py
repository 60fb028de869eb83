"""What the lists of the engines say of limits and counts is what Python has."""

from __future__ import annotations

import ast
import inspect
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import pena
from pena import _pena
from pena.client import Client
from pena.server import Limits, Server
from support.process import run

ROOT = Path(__file__).resolve().parents[2]
BOUNDS = _pena.limit_bounds()
WHOLE = {name for name, (unit, _, _) in BOUNDS.items() if unit in ("number", "bytes")}
RULES = set(inspect.signature(Server).parameters)


def settings(name: str, value: object) -> dict[str, Any]:
    return {name: value} if name in RULES else {"limits": {name: value}}


def test_every_limit_is_an_argument_or_one_of_the_limits() -> None:
    assert set(BOUNDS) - RULES == set(Limits.__annotations__)
    assert {"max_resends", "lease", "linger"} < set(BOUNDS) & RULES


def attributes(settings: type) -> set[str]:
    return {name for name in dir(settings) if not name.startswith("_")} - {"problem", "check"}


def test_every_limit_is_an_attribute() -> None:
    assert attributes(_pena.Timing) | attributes(_pena.Limits) == {*BOUNDS, "timing"}


@pytest.mark.parametrize(
    "settings",
    [
        *(_pena.Timing, _pena.Limits, _pena.GeneratorSettings, _pena.ServerSettings),
        _pena.ClientSettings,
    ],
)
def test_every_setting_is_in_the_stub(settings: type) -> None:
    stub = ast.parse((ROOT / "python/pena/_pena.pyi").read_text())
    [typed] = [
        node
        for node in stub.body
        if isinstance(node, ast.ClassDef) and node.name == settings.__name__
    ]
    names = {ast.unparse(node.target) for node in typed.body if isinstance(node, ast.AnnAssign)}
    assert names == attributes(settings)


def test_every_setting_of_a_client_is_an_argument_and_an_option() -> None:
    names = attributes(_pena.ClientSettings)
    assert names == set(inspect.signature(Client).parameters)
    shown = run("pena", "help", "client").stdout
    for name in names - {"backoff_first", "backoff_most"}:  # of Python alone
        assert f"  --{name.replace('_', '-')} " in shown


@pytest.mark.parametrize("name", BOUNDS)
def test_every_limit_is_in_the_docs(name: str) -> None:
    page = (ROOT / "docs/settings.md").read_text()
    shown = f"`{name}`" if name in RULES else f'`limits={{"{name}": …}}`'
    assert f"| {shown} |" in page


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_every_whole_number_has_its_bounds(name: str) -> None:
    _, least, most = BOUNDS[name]
    for value in (least - 1, most + 1):
        with pytest.raises(pena.SettingsError, match=f"^{name} "):
            pena.Server(**settings(name, value))


def test_every_count_is_in_the_class_and_in_the_docs() -> None:
    page = (ROOT / "docs/settings.md").read_text()
    with pena.Server(generate=False) as server, pena.Client(server.url) as client:
        for engine in (server, client):
            counted = engine._engine.get().stats()
            assert list(counted) == [field.name for field in fields(engine.stats)]
            for name, value in counted.items():
                assert type(value) is type(getattr(engine.stats, name))
                assert f"| `{name}` |" in page
