"""`pena put`: lines become msgs, each once, and whoever typed them is told what is wrong."""

from __future__ import annotations

import json
import signal
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from support.lossy import LossyProxy
from support.poll import until
from support.ports import held_port
from support.process import TIMEOUT, ServerProcess, run
from support.put import Put, serve
from support.stream import get


@pytest.fixture
def server(running: ExitStack, tmp_path: Path) -> ServerProcess:
    return serve(running, tmp_path)


def waiting(url: str, queue: str = "default") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = get(url, f"/queue?records=1&queue={queue}")["records"]
    return found


def payloads(url: str, queue: str = "default") -> list[Any]:
    return [record.get("payload") for record in waiting(url, queue)]


def lines(values: Any) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def test_each_line_of_a_file_is_a_msg(server: ServerProcess, put: Put, tmp_path: Path) -> None:
    (tmp_path / "mails").write_text('{"to": "ann"}\n\n"bob"\r\n12345678901234567890.50')
    command = put("--url", server.url, "--queue", "mail", str(tmp_path / "mails"))
    assert (command.end(), command.said) == (0, "")
    found = waiting(server.url, "mail")
    assert [record["id"] for record in found] == command.printed
    text = json.dumps([record["payload"] for record in found])
    assert text == '[{"to": "ann"}, "bob", 1.2345678901234567e+19]'


def test_payloads_may_be_given_in_words(server: ServerProcess) -> None:
    words = ["--payload", "[1, 2]", "--payload", '{"a":"b"}', "--max-resends", "0"]
    ran = run("pena", "put", "--url", server.url, *words, "--delay", "1h", "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [(one["place"], one["known"]) for one in told] == [
        ("payload 1", False),
        ("payload 2", False),
    ]
    later = get(server.url, "/later?records=1")["records"]
    assert [record["payload"] for record in later] == [[1, 2], {"a": "b"}]
    assert [record["max_resends"] for record in later] == [0, 0]
    assert [record["id"] for record in later] == [one["id"] for one in told]


def test_the_ids_come_as_soon_as_their_lines_are_taken(server: ServerProcess, put: Put) -> None:
    command = put("--url", server.url, "-", fed=True)
    for count in range(1, 4):
        command.feed(f"{count}\n")
        until(lambda count=count: len(command.printed) == count, "its id was printed")
    assert payloads(server.url) == [1, 2, 3]
    command.finish_feeding()
    assert command.end() == 0


def test_what_has_a_key_is_taken_once(server: ServerProcess, put: Put, tmp_path: Path) -> None:
    orders = [{"order": {"id": n}} for n in (7, 8, 7)]
    (tmp_path / "orders").write_text(lines(orders))
    words = ["--url", server.url, "--key", "order.id", "--json", str(tmp_path / "orders")]
    for before in (False, True):
        command = put(*words)
        assert (command.end(), command.said) == (0, "")
        told = [json.loads(line) for line in command.printed]
        assert [one["known"] for one in told] == [before, before, True]
        assert told[0]["id"] == told[2]["id"]
    assert [record["key"] for record in waiting(server.url)] == ["7", "8"]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{to: 1}", "line 3 is not JSON: wrong at byte 2: expected a key in quotes"),
        ("1 2", "line 3 is not JSON: wrong at byte 3: expected the end"),
        ('{"no": 1}', "line 3 has no field k for --key; expected text or a number"),
        (lines([{"k": "x" * 201}]), "line 3 has a key of 201 bytes; expected 1 to 200"),
    ],
)
def test_a_line_that_is_wrong_is_named_and_nothing_of_its_request_is_sent(
    server: ServerProcess, put: Put, tmp_path: Path, line: str, sentence: str
) -> None:
    (tmp_path / "lines").write_text('{"k": 1}\n\n' + line.strip() + '\n{"k": 2}\n')
    command = put("--url", server.url, "--key", "k", str(tmp_path / "lines"))
    assert command.end() == 1
    assert command.said.startswith(f"pena: {sentence}")
    assert command.said.endswith("; accepted before it: 0 msgs\n")
    assert (command.printed, waiting(server.url)) == ([], [])


def test_what_the_server_refuses_is_named_and_what_comes_before_is_accepted(
    running: ExitStack, put: Put, tmp_path: Path
) -> None:
    server = serve(running, tmp_path, "--max-payload=100B")
    (tmp_path / "lines").write_text(lines([*range(1500), "x" * 100, *range(10)]))
    command = put("--url", server.url, str(tmp_path / "lines"))
    assert command.end() == 1
    assert command.said == (
        "pena: line 1501 is refused: 413: a payload has 102 bytes; expected at most 100; "
        "accepted before it: 1500 msgs\n"
    )
    assert payloads(server.url) == list(range(1500))
    assert len(command.printed) == 1500


def test_requests_are_as_large_as_the_server_takes(
    running: ExitStack, put: Put, tmp_path: Path
) -> None:
    server = serve(running, tmp_path, "--max-submit=100", "--max-body=16KiB")
    (tmp_path / "lines").write_text(lines(["x" * 500] * 1000))
    command = put("--url", server.url, str(tmp_path / "lines"))
    assert (command.end(), command.said) == (0, "")
    assert len(waiting(server.url)) == len(command.printed) == 1000


def test_requests_have_a_mebibyte_at_most(server: ServerProcess, tmp_path: Path, put: Put) -> None:
    (tmp_path / "lines").write_text(lines(["x" * 200_000] * 12))
    with LossyProxy(int(server.url.rsplit(":", 1)[1])) as proxy:
        command = put("--url", proxy.url, str(tmp_path / "lines"))
        assert (command.end(), command.said) == (0, "")
        assert len(proxy.passed) == 3
    assert len(waiting(server.url)) == 12


def test_an_answer_that_is_lost_makes_no_msg_twice(
    server: ServerProcess, put: Put, tmp_path: Path
) -> None:
    (tmp_path / "lines").write_text(lines(range(10)))
    with LossyProxy(int(server.url.rsplit(":", 1)[1])) as proxy:
        proxy.lose(2)
        command = put("--url", proxy.url, str(tmp_path / "lines"))
        assert command.end() == 0
        assert len(proxy.passed) == 3
    assert [record["id"] for record in waiting(server.url)] == command.printed
    assert payloads(server.url) == list(range(10))
    [warning] = command.said.splitlines()
    assert "warning" in warning
    assert warning.endswith("the server closed the connection; trying again for 60 s at most")


def test_each_of_20_000_lines_is_there_once_though_the_server_is_killed(
    running: ExitStack, put: Put, tmp_path: Path
) -> None:
    with held_port() as port:
        options = [f"--listen=127.0.0.1:{port}", f"--store={tmp_path / 'pena.lmdb'}"]

        def start() -> ServerProcess:
            server = ServerProcess(*options, "--no-generate")
            running.callback(server.stop)
            return server

        server = start()
        command = put("--url", server.url, "-", fed=True)
        for part in range(5):
            command.feed(lines(range(part * 4000, part * 4000 + 2000)))
            until(lambda: len(command.printed) > part * 4000, "it went on")  # noqa: B023
            server.stop(signal.SIGKILL)
            command.feed(lines(range(part * 4000 + 2000, part * 4000 + 4000)))
            server = start()
        command.finish_feeding()
        assert command.end() == 0, command.said
        found = get(server.url, "/queue")["ids"]
        assert sorted(found) == sorted(command.printed)
        assert len(set(found)) == 20_000
        # The answer has the payloads in the order of the ids, which are those of the lines.
        assert payloads(server.url) == list(range(20_000))


def test_where_nobody_answers_the_patience_has_an_end(put: Put) -> None:
    with held_port() as port:
        url = f"http://127.0.0.1:{port}"
        ran = run("pena", "put", "--url", url, "--payload", "1", "--patience", "0ms")
        assert ran.returncode == 1
        assert ran.stderr == (
            f"pena: payload 1 is not accepted: {url} does not take it: Connection refused; tried "
            "for 0 s; accepted before it: 0 msgs\n"
        )


def test_a_server_that_is_full_is_waited_for(running: ExitStack, put: Put, tmp_path: Path) -> None:
    server = serve(running, tmp_path, "--max-queue=1")
    words = ["--url", server.url, "--payload", "1"]
    assert put(*words).end() == 0
    impatient = put(*words, "--patience", "0ms")
    assert impatient.end() == 1
    assert "503: the queue is full" in impatient.said
    patient = put(*words)
    patient.hear("503: the queue is full")
    [old] = waiting(server.url)
    body = json.dumps({"ids": [old["id"]]}).encode()
    request = urllib.request.Request(f"{server.url}/queue", body, method="DELETE")
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        assert json.load(answer)["deleted"] == 1
    assert patient.end() == 0
    assert patient.printed == [record["id"] for record in waiting(server.url)]


def test_a_signal_says_how_many_were_accepted(server: ServerProcess, put: Put) -> None:
    command = put("--url", server.url, "-", fed=True)
    command.feed("1\n2\n3")
    until(lambda: len(command.printed) == 2, "two were accepted")
    assert command.end(signal.SIGINT) == 1
    assert command.said == "pena: stopped by a signal; accepted before it: 2 msgs\n"
    assert payloads(server.url) == [1, 2]


def test_a_signal_while_nobody_answers_ends_it_and_says_what_may_be(
    server: ServerProcess, put: Put, tmp_path: Path
) -> None:
    (tmp_path / "lines").write_text(lines(range(1500)))
    with LossyProxy(int(server.url.rsplit(":", 1)[1])) as proxy:
        proxy.lose(1000)
        command = put("--url", proxy.url, str(tmp_path / "lines"))
        command.hear("trying again")
        assert command.end(signal.SIGINT) == 1
        assert command.said.splitlines()[-1].endswith(
            "; it and what follows it may be accepted: 1000 msgs; accepted before it: 0 msgs"
        )


def test_what_cannot_be_read_is_named(server: ServerProcess, tmp_path: Path) -> None:
    whole = (
        ": Is a directory; expected a file of JSON lines, - for stdin, or --payload JSON; accepted "
        "before it: 0 msgs\n"
    )
    for what, command in {
        f"the file {tmp_path}": 'pena put --url "$0" "$1"',
        "stdin": 'pena put --url "$0" <"$1"',
    }.items():
        ran = run("sh", "-c", command, server.url, str(tmp_path))
        assert (ran.returncode, ran.stdout) == (1, "")
        assert ran.stderr == f"pena: cannot read {what}{whole}"


def test_a_line_without_an_end_is_named(server: ServerProcess, tmp_path: Path) -> None:
    with (tmp_path / "zeros").open("w") as file:
        file.write("1\n")
        file.truncate(65 << 20)
    ran = run("pena", "put", "--url", server.url, str(tmp_path / "zeros"))
    assert (ran.returncode, ran.stdout) == (1, "")
    sentence = "line 2 has more than 67108864 bytes; expected at most as many"
    assert ran.stderr == f"pena: {sentence}; accepted before it: 0 msgs\n"
    assert waiting(server.url) == []


def test_what_cannot_be_is_bad_usage(tmp_path: Path) -> None:
    missing = run("pena", "put", str(tmp_path / "no"))
    assert missing.returncode == 1
    assert "expected a file of JSON lines, - for stdin, or --payload JSON" in missing.stderr
    for words, sentence in {
        ("--queue", "E-Mail", "--payload", "1"): 'queue is "E-Mail"; expected 1 to 64',
        ("--url", "ftp://a", "--payload", "1"): 'url is "ftp://a"; expected http://host:port',
        ("--payload", "1", "a.jsonl"): "--payload: expected none beside FILE",
    }.items():
        ran = run("pena", "put", *words)
        assert (ran.returncode, ran.stdout) == (2, ""), words
        assert sentence in ran.stderr
