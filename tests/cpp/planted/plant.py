"""Copies rooms of cpp/ and plants bugs in the copy, all at once, each behind a switch.

Each plant is a file NAME.toml: `what` is wrong then, and one or more `[[change]]`s with `file`
(below the sources), `find` (a text that is there exactly once) and `becomes`, in which the word
PLANTED stands for "this bug is on".
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

HEADER = "planted.hpp"
SUFFIXES = {".cpp", ".hpp"}
WORD = re.compile(r"\bPLANTED\b")
FIRST_INCLUDE = re.compile(r"^#include ", re.MULTILINE)


class PlantError(Exception):
    """Why a plant cannot be planted."""


@dataclass(frozen=True)
class Change:
    """One place of a plant."""

    plant: str
    file: str
    find: str
    becomes: str

    def refused(self, why: str) -> PlantError:
        """Return an error that names the plant, the file and the text."""
        return PlantError(f"the plant {self.plant}: {why} {self.file}, looked for:\n{self.find}")

    def with_switch(self) -> str:
        """Return what the text becomes, in C++."""
        on = f"::pena::planted::is_on(::pena::planted::Bug::{self.plant})"
        return WORD.sub(on, self.becomes)


@dataclass(frozen=True)
class Plant:
    """A bug that can be switched on."""

    name: str
    what: str
    changes: tuple[Change, ...]


def read_plant(path: Path) -> Plant:
    """Read one file, and refuse one that could not do what it says."""
    name = path.stem
    try:
        said = tomllib.loads(path.read_text())
        changes = tuple(Change(name, **change) for change in said["change"])
        plant = Plant(name, said["what"], changes)
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise PlantError(f"the plant {name}: {path} is not as it should be: {error}") from error
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name == "none":
        raise PlantError(f"the plant {name}: its name is none that C++ could take")
    for change in changes:
        if not change.find or not WORD.search(change.becomes):
            raise change.refused("without a text, or without PLANTED in what it becomes, in")
    return plant


def planted(text: str, changes: list[Change]) -> str:
    """Return a file's text with all its changes."""
    places = []
    for change in changes:
        times = text.count(change.find)
        if times != 1:
            raise change.refused(f"the text is there {times} times instead of once in")
        places.append((text.index(change.find), change))
    places.sort(key=lambda place: place[0])
    out, end, before = [], 0, ""
    for start, change in places:
        if start < end:
            raise change.refused(f"it overlaps the plant {before} in")
        out += [text[end:start], change.with_switch()]
        end, before = start + len(change.find), change.plant
    whole = "".join(out) + text[end:]
    return FIRST_INCLUDE.sub(f'#include "{HEADER}"\n#include ', whole, count=1)


def header(plants: list[Plant]) -> str:
    """Return the switch, and the table of what it can be set to."""
    names = "".join(f"  {plant.name},\n" for plant in plants)
    table = "".join(
        f"    {{Bug::{plant.name}, {json.dumps(plant.name)},\n"
        f"     {json.dumps(plant.what, ensure_ascii=False)}}},\n"
        for plant in plants
    )
    return f"""// Made by tests/cpp/planted/plant.py.
#pragma once

#include <cstdint>
#include <string_view>

namespace pena::planted {{

enum class Bug : std::uint8_t {{
  none,
{names}}};

struct BugText {{
  Bug bug;
  std::string_view name, what;
}};
inline constexpr BugText kBugs[] = {{
{table}}};

// Of the whole process; to be set while nothing else runs.
inline Bug chosen = Bug::none;

inline bool is_on(Bug bug) {{
  return chosen == bug;
}}

}}  // namespace pena::planted
"""


def copies(sources: Path, rooms: list[str], plants: list[Plant]) -> dict[str, str]:
    """Return the text of each file of the copy, by its path in it."""
    texts = {
        path.relative_to(sources).as_posix(): path.read_text()
        for room in rooms
        for path in sorted((sources / room).iterdir())
        if path.suffix in SUFFIXES
    }
    by_file = defaultdict(list)
    for plant in plants:
        for change in plant.changes:
            if change.file not in texts:
                raise change.refused("there is no file")
            by_file[change.file].append(change)
    for file, changes in by_file.items():
        texts[file] = planted(texts[file], changes)
    return texts | {HEADER: header(plants)}


def write(into: Path, rooms: list[str], texts: dict[str, str]) -> None:
    """Write what changed, for what is untouched is not compiled again, and remove what is gone."""
    for name, text in texts.items():
        path = into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
    for room in rooms:
        for path in (into / room).iterdir():
            if path.suffix in SUFFIXES and f"{room}/{path.name}" not in texts:
                path.unlink()


def main() -> int:
    """Plant, or say what is wrong with a plant."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sources", type=Path, required=True, help="the folder of the rooms")
    parser.add_argument("--rooms", nargs="+", required=True, help="those to copy")
    parser.add_argument("--into", type=Path, required=True, help="the folder of the copy")
    parser.add_argument("--plants", type=Path, nargs="+", required=True, help="what to plant")
    args = parser.parse_args()
    try:
        plants = [read_plant(path) for path in sorted(args.plants)]
        write(args.into, args.rooms, copies(args.sources, args.rooms, plants))
    except PlantError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
