"""The C++ library as it is installed: what another project builds against, and that it runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support.pages import ROOT
from support.poll import until
from support.process import foreign_environment
from support.stream import get

# The build whose command is tried, or the one that `make test` has made before.
BUILD = next(
    (
        folder
        for folder in (Path(shutil.which("pena") or "").parent.parent, ROOT / "build/release")
        if (folder / "libpena_client.a").exists()
    ),
    None,
)
PUBLIC = (
    *("client/client.hpp", "client/handlers.hpp", "client/payload.hpp", "client/producer.hpp"),
    *("client/worker.hpp", "server/server.hpp"),
)

pytestmark = [
    pytest.mark.skipif(BUILD is None, reason="nothing is built"),
    pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed"),
]


def do(*command: str | Path) -> str:
    """Run it to its end, which must be good."""
    ran = subprocess.run(
        command, capture_output=True, text=True, check=False, env=foreign_environment()
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    prefix = tmp_path_factory.mktemp("installed")
    assert BUILD is not None
    do("cmake", "--install", BUILD, "--prefix", prefix)
    return prefix


@pytest.fixture(scope="module")
def examples(prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the examples against it, as a project of their own."""
    built = tmp_path_factory.mktemp("examples")
    flags = ["-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror"]
    do("cmake", "-S", ROOT / "examples/cpp", "-B", built, f"-DCMAKE_PREFIX_PATH={prefix}", *flags)
    do("cmake", "--build", built)
    return built


def test_the_examples_work(examples: Path, tmp_path: Path) -> None:
    store = tmp_path / "pena.lmdb"
    with subprocess.Popen(
        [examples / "server", store], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        ids = do(examples / "producer", url, "7", "8", "9").splitlines()
        assert do(examples / "producer", url, "8") == f"{ids[1]} is known\n"
        assert do(examples / "worker", url) == "its queues are empty\n"
        until(lambda: len(get(url, "/report")["ids"]) == 3, "all are reported")
        reported = get(url, "/report?records=1&queue=squares")["records"]
        assert {record["id"]: record["result"] for record in reported} == dict(
            zip(ids, (49, 64, 81), strict=True)
        )
        server.stdin.close()
        assert server.stdout.read() == "3 reported\n"
        assert server.wait(60) == 0


def test_a_wrong_url_is_a_sentence(examples: Path) -> None:
    ran = subprocess.run(
        [examples / "producer", "ftp://a", "7"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith('producer: url is "ftp://a"; expected http://host:port')


def test_each_header_can_be_included_alone_and_has_nothing_of_others(
    prefix: Path, tmp_path: Path
) -> None:
    source = tmp_path / "each.cpp"
    compiler = os.environ.get("CXX", "c++")
    for header in PUBLIC:
        source.write_text(f"#include <pena/{header}>\n")
        flags = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror"]
        include = prefix / "include"
        do(compiler, *flags, f"-I{include}", f"-I{include / 'pena'}", source)
    foreign = re.compile(r'#\s*include\s*[<"](boost|nlohmann|CLI|spdlog|lmdb|xxhash)')
    installed = sorted((prefix / "include/pena").rglob("*.hpp"))
    assert len(installed) > len(PUBLIC)
    assert [path for path in installed if foreign.search(path.read_text())] == []


def test_no_folder_of_the_build_is_in_what_is_installed(prefix: Path) -> None:
    texts = [*prefix.rglob("*.cmake"), *prefix.rglob("*.hpp")]
    assert texts
    assert [path for path in texts if str(ROOT) in path.read_text()] == []
