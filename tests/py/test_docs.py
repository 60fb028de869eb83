"""What the pages for users show runs as it stands, and answers what they show."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pena
from support.examples import FOLDER, WORKERS
from support.pages import ROOT, Block, Names, Shell, Step, blocks, steps
from support.ports import held_port
from support.process import quiet_environment, quiet_environment_of_others

PAGES = (
    "README.md",
    "docs/protocol.md",
    "docs/operations.md",
    "docs/glossary.md",
    "docs/workers.md",
    "docs/python.md",
    "docs/commands.md",
    "docs/cpp.md",
)
BLOCKS = [block for page in PAGES for block in blocks(page)]
PROTOCOL = (ROOT / "docs/protocol.md").read_text()
README = (ROOT / "README.md").read_text()
# A script with its answers in comments.
WORKER = "pena server --listen 127.0.0.1:8080 --store ./pena.lmdb"
# What does not run here: how the block begins, and why.
NOT_HERE = {
    "make run ": "builds Pena",
    "pena server --listen 127.0.0.1:8081 --store": "tests/py/test_words.py pastes it",
    "accepted ─→": "a picture",
    "server {": "nginx's; tests/py/test_proxies.py tries what it says",
    "defaults\n": "haproxy's; tests/py/test_proxies.py tries what it says",
    "http://:80 {": "caddy's; tests/py/test_proxies.py tries what it says",
    "[Unit]": "systemd's",
    "find_package(pena": "tests/py/test_library.py builds examples/cpp",
    "curl -s -X POST $url/queue/mail/pause": "docs/protocol.md shows each with its answer",
    'curl -s "$url/fail?records=1&limit=10"': "docs/protocol.md shows each with its answer",
    "jq -nc 'range": "tests/py/test_examples.py runs the producers",
    "pena backup": "tests/py/test_backup.py copies a store beside its server",
}

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def sections(page: str) -> list[str]:
    """Return the headings that have commands beneath."""
    shown = (block.section for block in blocks(page) if block.language == "console")
    return list(dict.fromkeys(shown))


def commands(page: str, section: str) -> list[Step]:
    """Return those of a section, and before them, where it has none, the start of a server."""
    console = [block for block in blocks(page) if block.language == "console"]
    here = [block for block in console if block.section == section]
    begins = here[0].text.startswith("$ pena server")
    return [step for block in ([] if begins else console[:1]) + here for step in steps(block)]


@needs_curl
@pytest.mark.parametrize(
    ("page", "section"), [(page, section) for page in PAGES for section in sections(page)]
)
def test_what_is_typed_is_answered_as_shown(page: str, section: str, tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    try:
        for step in commands(page, section):
            shell.run(step)
    finally:
        shell.end()


@pytest.mark.parametrize(
    "block",
    [block for block in BLOCKS if block.language == "python" and block.page != "docs/workers.md"],
    ids=lambda block: block.name,
)
def test_the_python_prints_what_its_comments_say(block: Block, tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", block.text],
        cwd=tmp_path,
        env=quiet_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == re.findall(r"print\(.*\)  # (.*)", block.text)


@needs_curl
def test_the_answers_in_the_comments_of_the_readme_come(tmp_path: Path) -> None:
    [script] = [block.text for block in blocks("README.md") if block.text.startswith(WORKER)]
    heard = tmp_path / "heard"
    keeps = f"curl() {{ command curl \"$@\" | tee -a '{heard}'; echo >>'{heard}'; }}\n"
    with held_port() as port:
        subprocess.run(
            ["bash", "-c", keeps + script.replace(":8080", f":{port}")],
            cwd=tmp_path,
            env=quiet_environment_of_others(),
            capture_output=True,
            timeout=60,
            check=True,
        )
    answers = re.findall(r"# (\{.*\})$", script, re.MULTILINE)
    assert len(answers) == 3
    came = [line for line in heard.read_text().splitlines() if line.startswith("{")][1:]
    for shown, line in zip(answers, came, strict=True):
        assert Names().compare(shown, line) == ""


def test_every_block_runs_or_is_listed() -> None:
    workers = {(FOLDER / file).read_text() for file in WORKERS}  # tests/py/test_examples.py
    workers |= {path.read_text() for path in (FOLDER / "cpp").glob("*.cpp")}  # test_library.py
    unused = set(NOT_HERE)
    for block in BLOCKS:
        begin = next((begin for begin in NOT_HERE if block.text.startswith(begin)), "")
        runs = block.language in ("console", "python") or block.text.startswith(WORKER)
        runs = runs or block.language == "pyi"  # tests/py/test_reference.py
        runs = runs or block.text in workers
        assert runs or begin, f"{block.name}: neither runs nor is in NOT_HERE; show it as console"
        unused.discard(begin)
    assert unused == set(), "these blocks are not there any more"


EXAMPLES = "".join(block.text for block in BLOCKS if block.language == "console")


def asked(command: str) -> set[tuple[str, str]]:
    """Return the requests of a command, each key of a query by itself."""
    found = set()
    for curl in re.findall(r"curl .*", command.replace("\n", " ")):
        given = re.search(r"-X (\w+)", curl)
        method = given[1] if given else "HEAD" if "-sI" in curl else "GET"
        if not given and " -d " in curl:
            method = "POST"
        to = re.search(r"(?:\$\w+|:80\d\d)(/[^\s\"';|]*)", curl)
        keys = re.findall(r"--data-urlencode '(\w+)=", curl)
        if to:
            found |= requests(f"{method} {to[1]}&{'='.join([*keys, ''])}")
    return found


def requests(text: str) -> set[tuple[str, str]]:
    """Take `GET /task?batchsize=N[&short=1]` apart."""
    path, *_ = re.split(r"[?&\[]", text)
    path = re.sub(r"/(<id>|[0-9a-v]{20})$", "/<id>", path)
    path = re.sub(r"/queue/[^/]+/", "/queue/<name>/", path)
    return {(path, ""), *((path, key) for key in re.findall(r"[?&](\w+)=", text))}


def test_every_request_that_is_named_has_an_example() -> None:
    shown = {
        request
        for block in BLOCKS
        if block.language == "console"
        for step in steps(block)
        for request in asked(step.command)
    }
    spans = re.findall(r"`((?:GET|HEAD|POST|DELETE) /[^`]*)`", README + PROTOCOL)
    assert len(spans) > 30
    for span in spans:
        missing = requests(span) - shown
        assert not missing, f"`{span}`: docs/protocol.md shows no example with {missing}"


def named(text: str) -> set[tuple[str, str]]:
    """Return method and path of each request that stands in the text."""
    spans = re.findall(r"`(GET|HEAD|POST|DELETE) (/[^`?]*)[^`]*`", text)
    return {(method, path) for method, path in spans}


def test_the_readme_has_every_request_of_the_protocol() -> None:
    headings = named("\n".join(re.findall(r"^### .*$", PROTOCOL, re.MULTILINE)))
    rows = named("\n".join(re.findall(r"^\| .*$", README, re.MULTILINE)))
    assert ("POST", "/fail/retry") in headings
    assert headings - rows == set(), "README.md's table has no row of these"
    assert rows - headings == set(), "docs/protocol.md has no heading of these"


def test_all_that_python_reads_of_a_store_is_on_its_page() -> None:
    page = (ROOT / "docs/python.md").read_text()
    table = "\n".join(re.findall(r"^\| .*$", page, re.MULTILINE))
    names = {name for name in vars(pena.Store) if not name.startswith("_")} - {"close"}
    assert names >= {"queue", "later", "batches", "report", "fail", "story"}
    rows = set(re.findall(r"^\| `(\w+)", table, re.MULTILINE))
    assert names - rows == set()


def chapter(title: str) -> str:
    """Return that of the protocol."""
    return PROTOCOL.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_every_key_of_a_body_has_an_example() -> None:
    fields = re.findall(r"^\| `(\w+)` \|", chapter("Requests"), re.MULTILINE)
    spans = re.findall(r"`([^`\n]*\"[^`\n]*)`", README + chapter("Requests"))
    keys = {key for span in spans for key in re.findall(r'"(\w+)":', span)}
    buckets = {"both", "report", "fail", "queue", "later", "batch"}
    assert len(keys) > 15
    for key in {*keys, *fields} - buckets:
        assert f'"{key}":' in EXAMPLES, f"docs/protocol.md shows no example with {key!r}"


def test_every_key_of_a_query_has_an_example() -> None:
    keys = set(re.findall(r"`(\w+)=[^`\s]*`", chapter("Requests")))
    assert keys >= {"queue", "records", "batches", "submitted"}
    for key in keys - {"lease", "generate"}:  # of a comment in the stream, of Python
        assert re.search(rf"[?&]{key}=", EXAMPLES), f"no example asks with {key!r}"


def test_every_refusal_has_an_example() -> None:
    statuses = set(re.findall(r"\b[45]\d\d\b", chapter("Requests")))
    assert statuses >= {"400", "404", "409", "413", "503"}
    for status in {*statuses, "405", "431"}:
        assert re.search(rf"^(HTTP/1\.1 )?{status}\b", EXAMPLES, re.MULTILINE), status


SHOWN = """\
{"ids": ["dc2933fbave5109cvn2g"],
 "at": 1795461517194}"""
CAME = '{"ids":["dc4d3sgkl0ii4mvqb6ng"],"at":1795740146977}'


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (SHOWN.replace("at", "due"), CAME),
        (SHOWN.replace("]", ', "dc2933fbave5109cvn30"]'), CAME),
        (SHOWN, CAME.replace("1795740146977", "null")),
        (SHOWN, CAME + CAME),
        (SHOWN + "\n200", CAME + "\n201"),
        ("HTTP/1.1 503 …\n…\nRetry-After: 1", "HTTP/1.1 503 Busy\nDate: today\nRetry-After: 2"),
    ],
)
def test_a_lie_would_be_found(text: str, answer: str) -> None:
    assert Names().compare(SHOWN, CAME) == ""
    assert Names().compare(text, answer) != ""


def test_an_id_stands_for_one_real_id() -> None:
    names = Names()
    one, other = CAME, CAME.replace("6ng", "6o0")
    assert names.compare(SHOWN, one) == ""
    assert "stood for" in names.compare(SHOWN, other)
    assert "stand for one" in names.compare(SHOWN.replace("n2g", "n30"), one)
    assert names.in_command("report dc2933fbave5109cvn2g") == "report dc4d3sgkl0ii4mvqb6ng"


def test_a_block_is_commands_and_what_is_beneath() -> None:
    [block] = blocks("page", "## Title\n```console\n$ a \\\n> b\nsays\n\n$ c &\n```\n")
    assert (block.section, block.line) == ("Title", 2)
    assert [(step.command, step.shown, step.stays) for step in steps(block)] == [
        ("a \\\nb", "says\n", False),
        ("c &", "", True),
    ]
