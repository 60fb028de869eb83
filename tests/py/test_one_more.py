"""A limit or a count more is a field and a row: all else comes from the lists."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = re.compile(r"written by lists_test\.cpp.*?end of what was written", re.DOTALL)
COMMENT = re.compile(r"//.*")
SOURCES = {".cpp", ".hpp", ".py", ".pyi"}
# What the texts are made of, in one translation unit: a compiler needs two seconds for it.
PROGRAM = """
#include "cli/quantity.cpp"
#include "client/stats.cpp"
#include "core/check.cpp"
#include "core/limits_list.cpp"
#include "core/number_text.cpp"
#include "server/stats.cpp"
#include "turn/count_list.cpp"
#include "list_texts.hpp"
int main() { return pena::lists::write_lists(".") ? 0 : 1; }
"""
# Where a row more is written by hand: its field and itself, each behind a text that is there.
ROWS = {
    "limit": {
        "cpp/core/limits.hpp": ("struct Limits {\n", "  std::size_t crowns = 7;\n"),
        "cpp/core/limits_list.cpp": (
            "std::to_array<Limit>({\n",
            '    {.name = "crowns", .field = &Limits::crowns, .option = "--crowns",\n'
            '     .help = "the most crowns", .most = 99},\n',
        ),
    },
    "count": {
        "cpp/core/counts.hpp": ("struct Counts {\n", "  std::uint64_t crowned = 0;\n"),
        "cpp/turn/count_list.cpp": (
            "std::to_array<CountRow>({\n",
            '    {"crowned", &Counts::crowned, "msgs that were crowned", Json::missed, "crown"},\n',
        ),
    },
    "client's count": {
        "cpp/core/client_counts.hpp": ("struct ClientCounts {\n", "  std::uint64_t sung = 0;\n"),
        "cpp/client/stats.cpp": (
            "std::to_array<ClientStat>({\n",
            '    {"sung", &ClientStats::sung, "msgs that were sung"},\n',
        ),
    },
}
TEXTS = (
    *("python/pena/server/__init__.py", "python/pena/client/__init__.py"),
    *("python/pena/_pena.pyi", "docs/settings.md"),
)


def add_rows(copy: Path) -> None:
    for places in ROWS.values():
        for name, (behind, row) in places.items():
            path = copy / name
            before, found, after = path.read_text().partition(behind)
            assert found, f"{name} has no {behind!r}"
            path.write_text(before + found + row + after)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the sources that has one row more in each list, and the texts made anew."""
    copy = tmp_path_factory.mktemp("grown")
    for room in ("cpp/core", "cpp/turn", "cpp/server", "cpp/client", "cli"):
        shutil.copytree(ROOT / room, copy / room)
    shutil.copy(ROOT / "tests/cpp/cli/list_texts.hpp", copy)
    for name in TEXTS:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    add_rows(copy)
    (copy / "main.cpp").write_text(PROGRAM)
    compiler = (os.environ.get("CXX", "c++"), "-std=c++20", "-O0", "-Icpp", "-I.")
    subprocess.run([*compiler, "main.cpp", "-o", "write_lists"], cwd=copy, check=True)
    subprocess.run([copy / "write_lists"], cwd=copy, check=True)
    return copy


def fields_of(path: Path, name: str) -> dict[str, str]:
    """Return the fields of a class and their types."""
    [found] = [
        node
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef) and node.name == name
    ]
    return {
        ast.unparse(node.target): ast.unparse(node.annotation)
        for node in found.body
        if isinstance(node, ast.AnnAssign)
    }


def test_a_row_more_reaches_python_its_stub_and_the_docs(grown: Path) -> None:
    server, client = (grown / f"python/pena/{name}/__init__.py" for name in ("server", "client"))
    assert fields_of(server, "Limits")["crowns"] == "int"
    assert fields_of(server, "ServerStats")["crowned"] == "int"
    assert fields_of(client, "ClientStats")["sung"] == "int"
    assert fields_of(grown / "python/pena/_pena.pyi", "Limits")["crowns"] == "int"
    page = (grown / "docs/settings.md").read_text()
    assert '| `--crowns` | `limits={"crowns": …}` | 7 | 1 to 99 | the most crowns |\n' in page
    assert "| `crowned` | `missed`: `crown` | msgs that were crowned |\n" in page
    assert "| `sung` | `sung` | msgs that were sung |\n" in page


def test_nothing_but_the_rows_is_new(grown: Path) -> None:
    for name in TEXTS:
        new = (grown / name).read_text().splitlines()
        told = [line for line in new if re.search(r"crown|sung", line)]
        assert [line for line in new if line not in told] == (ROOT / name).read_text().splitlines()


# The dict, the JSON, the check, the options: whoever goes through a list has it from there.
# Whatever names more than three quarters of one is another list.
@pytest.mark.parametrize(
    ("kind", "list_file", "row"),
    [
        ("limit", "cpp/core/limits_list.cpp", r'\.name = "(\w+)"'),
        ("count", "cpp/turn/count_list.cpp", r'\{"(\w+)", &'),
        ("client's count", "cpp/client/stats.cpp", r'\{"(\w+)", &'),
    ],
)
def test_only_the_struct_and_the_list_name_all(kind: str, list_file: str, row: str) -> None:
    names = set(re.findall(row, (ROOT / list_file).read_text()))
    assert len(names) > 10
    naming = set()
    for folder in ("cpp", "cli", "python"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix not in SOURCES:
                continue
            by_hand = COMMENT.sub("", WRITTEN.sub("", path.read_text()))
            if len(names & set(re.findall(r"\w+", by_hand))) * 4 > len(names) * 3:
                naming.add(path.relative_to(ROOT).as_posix())
    assert naming == set(ROWS[kind]), f"a {kind} more is to be written into each of these by hand"
    assert len(naming) == 2
