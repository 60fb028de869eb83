"""Taste that a test can hold: which room may include what, and how long a file may be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES = 500
SOURCES = {".cpp", ".hpp", ".py", ".pyi", ".js"}
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.MULTILINE)


@dataclass(frozen=True)
class Room:
    """What the files of one folder may include, beside the C++ standard library."""

    folder: str
    rooms: tuple[str, ...]  # other rooms, or single headers of them
    outside: tuple[str, ...] = ()  # libraries, as prefixes of what stands in <>
    c_headers: bool = True  # <unistd.h> and its like
    never: tuple[str, ...] = ()


ENGINES = (
    *("server/server.hpp", "server/stats.hpp", "client/client.hpp", "client/stats.hpp"),
    *("store/", "core/", "sim/scenario.hpp"),
    *("sim/world.hpp", "sim/bench.hpp", "load/load.hpp", "pena_version.hpp", "process/"),
)
ROOMS = [
    Room(
        "cpp/core",
        (),
        c_headers=False,
        never=(
            *("atomic_wait", "barrier", "condition_variable", "execution", "filesystem", "fstream"),
            *("future", "iostream", "latch", "mutex", "random", "semaphore", "shared_mutex"),
            *("stop_token", "thread"),
        ),
    ),
    Room("cpp/wire", ("core/",), ("nlohmann/",), c_headers=False, never=("thread", "mutex")),
    Room("cpp/process", ()),
    Room("cpp/store", ("core/", "process/"), ("lmdb.h", "xxhash.h")),
    Room("cpp/server", ("core/", "wire/", "store/", "process/", "pena_version.hpp"), ("boost/",)),
    Room("cpp/client", ("core/", "wire/", "pena_version.hpp"), ("boost/",)),
    Room("cpp/asio_impl", ("process/",), ("boost/",)),
    Room("cpp/load", ("core/", "client/url.hpp", "wire/chunk_reader.hpp")),
    Room("cpp/sim", ("core/", "wire/", "store/")),
    Room("cpp/bind", (*ENGINES, "cli/run.hpp", "wire/sse.hpp"), ("pybind11/",)),
    Room("cli", ENGINES, ("CLI/", "spdlog/", "nlohmann/")),
]
# What makes compiling slow stays out of headers that other rooms read.
HEAVY = ("boost/", "nlohmann/", "CLI/", "spdlog/", "pybind11/")


def files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in SOURCES and "node_modules" not in path.parts:
                yield path


def includes(path: Path) -> list[tuple[bool, str]]:
    """Return what a file includes: whether it is in quotes, and the name."""
    return [(mark == '"', name) for mark, name in INCLUDE.findall(path.read_text())]


def complaint(room: Room, quoted: bool, name: str) -> str | None:
    """Return what is wrong with an include, and what to do about it."""
    own = room.folder.removeprefix("cpp/") + "/"
    if quoted:
        if name.startswith((own, *room.rooms)):
            return None
        return (
            f"{room.folder} may include of Pena only {', '.join((own, *room.rooms))}. "
            "Move the code to a room that may, or pass in what it needs; only if the plan of the "
            "house is to change, change ROOMS in this test and the room's target_link_libraries."
        )
    if name in room.never:
        return f"{room.folder} is pure: hand in what <{name}> would give, as an argument or event."
    if name.startswith(room.outside):
        return None
    is_c_header = name.endswith(".h")
    if (is_c_header and room.c_headers) or not (is_c_header or "/" in name):
        return None
    return f"{room.folder} knows no <{name}>: put a room that does behind a function of yours."


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.folder)
def test_a_room_includes_only_what_it_may(room: Room) -> None:
    wrong = [
        f'{path.relative_to(ROOT)} includes "{name}": {sentence}'
        for path in files(room.folder)
        for quoted, name in includes(path)
        if (sentence := complaint(room, quoted, name))
    ]
    assert not wrong, "\n".join(wrong)


def test_every_room_is_in_the_table() -> None:
    folders = {f"cpp/{path.name}" for path in (ROOT / "cpp").iterdir() if path.is_dir()}
    unknown = folders - {room.folder for room in ROOMS}
    assert not unknown, f"say in ROOMS what these may include: {unknown}"


def test_the_table_forbids() -> None:
    """The check itself can fail."""
    room = {room.folder: room for room in ROOMS}
    assert complaint(room["cpp/core"], False, "thread")
    assert complaint(room["cpp/core"], False, "boost/asio.hpp")
    assert complaint(room["cpp/core"], True, "store/store.hpp")
    assert complaint(room["cpp/server"], True, "client/client.hpp")
    assert complaint(room["cli"], True, "server/routes.hpp")
    assert complaint(room["cpp/core"], False, "vector") is None
    assert complaint(room["cpp/store"], True, "core/msg.hpp") is None


def test_lmdb_is_known_to_four_files() -> None:
    knowing = {path.stem for path in files("cpp/store") if (False, "lmdb.h") in includes(path)}
    assert knowing == {"lmdb_env", "lmdb_cursor", "lmdb_store", "check"}


def test_headers_that_other_rooms_read_are_light() -> None:
    read = {
        name
        for path in files("cpp", "cli")
        for quoted, name in includes(path)
        if quoted and name.split("/")[0] != path.parent.name
    }
    seen: set[str] = set()
    while read:
        name = read.pop()
        seen.add(name)
        path = next((p for p in (ROOT / "cpp" / name, ROOT / name) if p.exists()), None)
        for quoted, inner in includes(path) if path else []:
            assert quoted or not inner.startswith(HEAVY), (
                f"{name} is read by other rooms and includes <{inner}>: "
                "keep that in the .cpp, behind a pointer to the implementation."
            )
            if quoted and inner not in seen:
                read.add(inner)


def test_no_file_is_too_long() -> None:
    lengths = {
        path.relative_to(ROOT): len(path.read_text().splitlines())
        for path in files("cpp", "cli", "python", "tests")
    }
    long = {str(path): lines for path, lines in lengths.items() if lines > MOST_LINES}
    assert not long, f"over {MOST_LINES} lines, so more than one subject; take it apart: {long}"


def test_names_say_what_a_thing_is() -> None:
    banned = re.compile(r"\b(?:class|struct)\s+(\w*(?:Manager|Helper|Util|Data)\w*)")
    named = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in files("cpp", "cli", "python")
        for name in banned.findall(path.read_text())
    ]
    assert not named, f"name these after what they are, not after their being useful: {named}"
