"""Taste that a test can hold: which room may include what, how long files and functions may be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES = {".cpp": 450, ".hpp": 450}  # of a file; others may have 500
MOST_LINES_OF_A_FUNCTION = 60
SHORT = 18  # lines: nine functions of ten are below
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
    *("client/worker.hpp", "client/worker_stats.hpp"),
    *("store/", "core/", "sim/scenario.hpp"),
    *("sim/world.hpp", "sim/bench.hpp", "load/load.hpp", "pena_version.hpp", "process/"),
    *("client/worker.hpp", "client/producer.hpp", "client/handlers.hpp", "client/payload.hpp"),
    "client/error_tail.hpp",
    "client/settings_error.hpp",
)
INTERFACES = (
    *("store/log.hpp", "store/index.hpp", "store/view.hpp", "store/records.hpp"),
    "store/error.hpp",
)
ROOMS = [
    Room(
        "cpp/core",
        (),
        ("xxhash.h",),  # a function of its bytes, all of it in the header
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
    Room(
        "cpp/turn",
        ("core/", "wire/", *INTERFACES),
        c_headers=False,
        never=("thread", "mutex", "condition_variable", "random", "fstream"),
    ),
    Room(
        "cpp/server",
        ("core/", "wire/", "store/", "turn/", "process/", "pena_version.hpp"),
        ("boost/",),
    ),
    Room("cpp/client", ("core/", "wire/", "pena_version.hpp"), ("boost/",)),
    Room("cpp/asio_impl", ("process/",), ("boost/",)),
    Room("cpp/load", ("core/", "client/url.hpp", "wire/chunk_reader.hpp")),
    # Of the stores the one in memory, and the log in front of it: the simulator has a disk of its
    # own below both.
    Room(
        "cpp/sim",
        (
            *("core/", "wire/", "turn/", *INTERFACES, "store/store.hpp"),
            *("store/memory_store.hpp", "store/forwarding_store.hpp"),
            *("store/log_store.hpp", "store/log_frames.hpp", "store/change_bytes.hpp"),
            "store/up_to_date_view.hpp",
        ),
    ),
    Room("cpp/bind", (*ENGINES, "cli/run.hpp", "wire/sse.hpp"), ("pybind11/",)),
    Room("cli", ENGINES, ("CLI/", "spdlog/", "nlohmann/")),
]
EVERYTHING = ("cpp", "cli", "python", "tests")
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
    assert complaint(room["cpp/turn"], True, "store/lmdb_store.hpp")
    assert complaint(room["cpp/turn"], False, "mutex")
    assert complaint(room["cpp/sim"], True, "store/lmdb_store.hpp")
    assert complaint(room["cpp/sim"], True, "server/server.hpp")
    assert complaint(room["cpp/server"], True, "client/client.hpp")
    assert complaint(room["cpp/server"], True, "sim/world.hpp")
    assert complaint(room["cpp/client"], True, "turn/outbox.hpp")
    assert complaint(room["cpp/load"], True, "client/client.hpp")
    assert complaint(room["cli"], True, "server/routes.hpp")
    assert complaint(room["cpp/core"], False, "vector") is None
    assert complaint(room["cpp/store"], True, "core/msg.hpp") is None
    assert complaint(room["cpp/server"], True, "turn/turn.hpp") is None
    assert complaint(room["cpp/turn"], True, "store/log.hpp") is None


def test_a_room_links_the_rooms_that_it_includes() -> None:
    linked = {
        name: set(links.replace("pena_", "").split())
        for name, links in re.findall(
            r"^pena_room\((\w+)([^)]*)\)", (ROOT / "CMakeLists.txt").read_text(), re.MULTILINE
        )
    }
    for room in ROOMS:
        name = room.folder.removeprefix("cpp/")
        included = {other.split("/")[0] for other in room.rooms if "/" in other}
        if name in linked:
            assert linked[name] & {*linked} == included, f"{name} in CMakeLists.txt and in ROOMS"


def test_lmdb_is_known_to_five_files() -> None:
    knowing = {path.stem for path in files("cpp/store") if (False, "lmdb.h") in includes(path)}
    assert knowing == {"lmdb_env", "lmdb_txn", "lmdb_cursor", "lmdb_records", "check_facts"}


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
    lengths = {path: len(path.read_text().splitlines()) for path in files(*EVERYTHING)}
    long = {
        str(path.relative_to(ROOT)): lines
        for path, lines in lengths.items()
        if lines > MOST_LINES.get(path.suffix, 500)
    }
    assert not long, f"so long is more than one subject; take these apart: {long}"


NO_FUNCTION = re.compile(
    r"(template ?<.*> ?)?((inline )?namespace|class|struct|enum|union)\b|[^(]* = |[^(]*$"
)


def functions(source: str) -> Iterator[tuple[str, int]]:
    """Return each function's first line and how many are in its braces.

    It is written for what clang-format writes: a function ends at the first line that begins with a
    brace below the first letter of its beginning. Functions of a line or in functions are not told.
    """
    head: list[str] = []  # what stands before a brace that opens
    end, inside = "", 0  # of the function that is being read
    for line in source.splitlines():
        text = line.strip()
        if end and not line.startswith(end):
            inside += 1
        elif end:
            yield head[0].strip(), inside
            head, end = [], ""
        elif not text or text.startswith(("//", "#")) or text.endswith((";", "}", ":")):
            head = []
        else:
            head.append(line)
            if text.endswith("{"):
                if NO_FUNCTION.match(" ".join(part.strip() for part in head)):
                    head = []
                else:
                    end = head[0][: len(head[0]) - len(head[0].lstrip())] + "}"
                    inside = 0


def test_functions_are_counted() -> None:
    source = """
namespace pena {
// A comment (with brackets) {
constexpr std::array<int, 2> kTwo{
    1, 2};
const auto kMade = made_of({
    1,
});

class Room final : public House {
 public:
  explicit Room(int size)
      : size_(size) {
    if (size > 0) {
      open();
    }
  }
  bool operator==(const Room&) const = default;
  bool operator<(const Room& other) const {
    return size_ < other.size_;
  }
  int size() const { return size_; }
  template <class Guest>
  std::vector<Guest> take(std::vector<Guest> guests,
                          int most = 5) const {
    return guests;
  }
};

int much(int a,
         int b) {
  const auto sum = [&] {
    return a + b;
  };

  return sum();
}

}  // namespace pena
"""
    assert list(functions(source)) == [
        ("explicit Room(int size)", 3),
        ("bool operator<(const Room& other) const {", 1),
        ("template <class Guest>", 1),
        ("int much(int a,", 5),
    ]


def test_functions_are_short() -> None:
    lengths = [
        (lines, f"{path.relative_to(ROOT)}: {first}")
        for path in files("cpp")
        for first, lines in functions(path.read_text())
    ]
    long = sorted((one for one in lengths if one[0] >= SHORT), reverse=True)
    assert long[0][0] <= MOST_LINES_OF_A_FUNCTION, f"give the parts of these names: {long[:5]}"
    assert len(long) * 10 < len(lengths), (
        f"{len(long)} of {len(lengths)} functions have {SHORT} lines or more: {long[:20]}"
    )


def test_names_say_what_a_thing_is() -> None:
    words = r"Manager|Helper|Util|Data(?![a-z])"
    banned = re.compile(rf"\b(?:class|struct|enum|union|concept|using)\s+(\w*(?:{words})\w*)")
    of_a_file = re.compile(r"(^|_)(manager|helper|util|data)s?($|_)")
    named = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in files("cpp", "cli", "python")
        for name in (
            *banned.findall(path.read_text()),
            *(part for part in path.with_suffix("").parts if of_a_file.search(part)),
        )
    ]
    assert not named, f"name these after what they are, not after their being useful: {named}"
