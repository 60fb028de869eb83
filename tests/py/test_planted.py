"""The bugs that the simulator has to catch are planted in a copy, and nowhere else."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLANTED = ROOT / "tests/cpp/planted"
PLANTS = sorted(PLANTED.glob("bugs/*.toml"))

SOURCE = "#include <vector>\nint one() { return 1; }\nint two() { return 2; }\n"
GOOD = "what = 'one is two'\n[[change]]\nfile = 'core/a.cpp'\n"
GOOD += "find = 'return 1;'\nbecomes = 'return PLANTED ? 2 : 1;'\n"


def plant(sources: Path, into: Path, *plants: Path) -> subprocess.CompletedProcess[str]:
    if sys.version_info < (3, 11):
        pytest.skip("the script needs tomllib")
    rooms = [room for room in ("core", "wire", "store", "turn", "sim") if (sources / room).exists()]
    command = [sys.executable, PLANTED / "plant.py", "--sources", sources, "--into", into]
    return subprocess.run(
        [*map(str, command), "--rooms", *rooms, "--plants", *map(str, plants)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    (tmp_path / "cpp/core").mkdir(parents=True)
    (tmp_path / "cpp/core/a.cpp").write_text(SOURCE)
    return tmp_path / "cpp"


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def test_nothing_is_planted_in_what_is_shipped() -> None:
    traces = [
        str(path.relative_to(ROOT))
        for folder in ("cpp", "cli", "python")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".cpp", ".hpp", ".py", ".pyi", ".txt"}
        and re.search("PENA_BUG|planted", path.name + path.read_text(), re.IGNORECASE)
    ]
    assert not traces, f"a plant is a file in tests/cpp/planted/bugs, not a word in {traces}"


def test_every_plant_is_in_the_document() -> None:
    told = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/planted-bugs.md").read_text(), re.MULTILINE)
    assert told == [path.stem for path in PLANTS]


def test_all_plants_fit_and_what_did_not_change_is_not_written_again(tmp_path: Path) -> None:
    assert plant(ROOT / "cpp", tmp_path, *PLANTS).stderr == ""
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.?pp")}
    assert plant(ROOT / "cpp", tmp_path, *PLANTS).returncode == 0
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.?pp")}


def test_a_plant_is_behind_its_switch(sources: Path, tmp_path: Path) -> None:
    assert plant(sources, tmp_path / "copy", written(tmp_path, "off", GOOD)).stderr == ""
    text = (tmp_path / "copy/core/a.cpp").read_text()
    assert "return ::pena::planted::is_on(::pena::planted::Bug::off) ? 2 : 1;" in text
    assert '#include "planted.hpp"\n' in text
    assert '"off"' in (tmp_path / "copy/planted.hpp").read_text()


def test_what_is_gone_leaves_the_copy(sources: Path, tmp_path: Path) -> None:
    good = written(tmp_path, "good", GOOD)
    (sources / "core/b.hpp").write_text("")
    assert plant(sources, tmp_path / "copy", good).returncode == 0
    (sources / "core/b.hpp").unlink()
    assert plant(sources, tmp_path / "copy", good).returncode == 0
    assert [path.name for path in (tmp_path / "copy/core").iterdir()] == ["a.cpp"]


@pytest.mark.parametrize(
    ("was", "wrong", "why"),
    [
        ("return 1;", "return 3;", "there 0 times"),
        ("return 1;", "return", "there 2 times"),
        ("PLANTED ?", "true ?", "without PLANTED"),
        ("core/a.cpp", "core/gone.cpp", "no file"),
    ],
)
def test_a_plant_that_does_not_apply_is_named(
    sources: Path, tmp_path: Path, was: str, wrong: str, why: str
) -> None:
    ran = plant(sources, tmp_path / "copy", written(tmp_path, "astray", GOOD.replace(was, wrong)))
    assert ran.returncode == 1
    assert not (tmp_path / "copy").exists()
    find = wrong if was == "return 1;" else "return 1;"
    file = wrong if was == "core/a.cpp" else "core/a.cpp"
    for told in ("the plant astray", why, file, find):
        assert told in ran.stderr


def test_plants_that_overlap_are_named(sources: Path, tmp_path: Path) -> None:
    first = written(tmp_path, "first", GOOD)
    other = written(tmp_path, "other", GOOD.replace("return 1;", "1; }"))
    ran = plant(sources, tmp_path / "copy", first, other)
    assert ran.returncode == 1
    assert "the plant other: it overlaps the plant first in core/a.cpp" in ran.stderr


def test_a_file_that_is_no_plant_is_named(sources: Path, tmp_path: Path) -> None:
    ran = plant(sources, tmp_path / "copy", written(tmp_path, "odd", GOOD + "when = 'now'\n"))
    assert ran.returncode == 1
    assert "the plant odd" in ran.stderr
