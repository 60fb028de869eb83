"""No locale changes what Pena writes or reads: a process may have set one with a decimal comma."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.process import works

ROOT = Path(__file__).resolve().parents[2]

# What it looks like, and what to use instead.
BANNED = {
    r"\bsto(?:d|f|ld|i|l|ll|ul|ull)\(": "std::from_chars",
    r"\b(?:strto\w+|ato[fil]l?|sscanf)\(": "std::from_chars",
    r"printf\([^;]*%[-+ #0-9.*]*[aefgAEFG][^;]*;": "number_text or fixed_text of core/number_text",
    r"\bis(?:digit|space|alpha|alnum|upper|lower|xdigit|punct|print)\(": "comparisons of letters",
    r"\bto(?:lower|upper)\(": "comparisons of letters",
    r"\b(?:strftime|put_time|asctime|ctime)\(": "date_text of core/number_text",
    r"#include <(?:locale|clocale|locale\.h|cctype|ctype\.h|sstream|iomanip|iostream)>": "strings",
    r"\bstd::locale\b|\bsetlocale\(": "nothing: the locale is the user's",
    r"\{:[^{}\"]*L\}": "a format without L",
}

IN_A_LOCALE_WITH_A_COMMA = """
import json, locale, urllib.request
locale.setlocale(locale.LC_ALL, "de_DE.UTF-8")
assert locale.str(0.5) == "0,5"

import pena, pena.sim

with pena.Server(generate=False, clock_drift=0.0125) as server:
    head = urllib.request.Request(server.url + "/task?batchsize=1", method="HEAD")
    with urllib.request.urlopen(head) as answer:
        assert answer.headers["Pena-Clock-Drift"] == "0.0125", answer.headers
    payload = {"share": 0.25, "large": 1.5e300}
    body = json.dumps({"payload": payload}).encode()
    urllib.request.urlopen(server.url + "/task", data=body).close()
    with urllib.request.urlopen(server.url + "/task?batchsize=1") as stream:
        line = next(line for line in stream if line.startswith(b"data: "))
        assert json.loads(line[6:])["payload"] == payload, line
with pena.Server(generate=False) as server:
    urllib.request.urlopen(server.url + "/task", data=b"{}").close()
    with pena.Client(server.url, batchsize=1, max_batches=1) as client:
        assert client.wait(20).reason == "batches_done"
try:
    pena.Server(lease=0.0355)
    raise AssertionError("taken")
except pena.SettingsError as error:
    assert "35.5 ms" in str(error), error
assert all("." in line.split()[0] for line in pena.sim.run(seed=3, length=20).history)
print("all is well")
"""


def wrong_in(text: str) -> list[str]:
    return [
        f"{found.group(0)[:60]!r}: use {instead}"
        for pattern, instead in BANNED.items()
        for found in re.finditer(pattern, text)
    ]


def test_nothing_is_formatted_or_parsed_by_the_locale() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {sentence}"
        for folder in ("cpp", "cli")
        for path in sorted((ROOT / folder).rglob("*.[ch]pp"))
        for sentence in wrong_in(path.read_text())
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "line",
    [
        'std::snprintf(text, size, "%.6g ms", time);',
        "const double rate = std::stod(text);",
        "return std::tolower(letter);",
        "#include <sstream>",
        'fmt::format("{:L}", number);',
    ],
)
def test_the_table_forbids(line: str) -> None:
    """The check itself can fail."""
    assert wrong_in(line)


def test_a_process_with_a_decimal_comma_writes_points(tmp_path: Path) -> None:
    if not works("localedef", "-i", "de_DE", "-f", "UTF-8", str(tmp_path / "de_DE.UTF-8")):
        pytest.skip("the locale de_DE cannot be made here")
    run = subprocess.run(
        [sys.executable, "-c", IN_A_LOCALE_WITH_A_COMMA],
        env={**os.environ, "LOCPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.stdout == "all is well\n", run.stdout + run.stderr
