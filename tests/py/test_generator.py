"""The generator makes way for whoever submits, unless it was asked for."""

from typing import Any

import pytest

from support.poll import until
from support.process import ServerProcess
from support.site import Site
from support.stream import post

NEVER = {"seed": None, "generate": None}  # a site's servers have a seed, which asks for it


def work(site: Site, url: str) -> None:
    """Take a batch of what is generated."""
    stream = site.stream(url, 3)
    stream.report(stream.next_batch())
    stream.close()


def test_the_first_that_is_submitted_ends_the_generating_for_good(site: Site) -> None:
    server = site.server(**NEVER)
    work(site, server.url)
    assert server.stats.generating
    (mine,) = site.submit(server.url, 5)
    until(lambda: not server.stats.generating, "the generating ended")
    made = server.meta("generated")
    stream = site.stream(server.url, 1)
    seen = 0
    while mine not in server.report:  # what was made before, and then the msg itself
        stream.report(stream.next_batch())
        seen += 1
        assert seen <= (made or 0) + 1
    while server.queue or server.batches:
        stream.report(stream.next_batch())
    stream.expect_nothing()
    assert server.meta("generated") == made
    server.stop()

    again = site.server(**NEVER)
    assert not again.stats.generating
    site.stream(again.url, 1).expect_nothing()
    assert again.meta("generated") == made
    again.stop()

    asked = site.server(seed=None, generate=True)  # nothing stands in the way of another start
    assert asked.stats.generating
    work(site, asked.url)
    assert (asked.meta("generated") or 0) > (made or 0)


@pytest.mark.parametrize(
    "settings", [{"generate": True}, {"count": 100}, {"rate": 1000.0}, {"seed": 7}], ids=str
)
def test_a_generator_that_was_asked_for_goes_on(site: Site, settings: dict[str, Any]) -> None:
    server = site.server(**NEVER | settings)
    stream = site.stream(server.url, 1, more="&submitted=1")
    site.submit(server.url, 5)
    stream.report(stream.next_batch())
    assert server.stats.generating
    work(site, server.url)
    assert (server.meta("generated") or 0) >= 3


def test_what_is_submitted_to_another_queue_ends_nothing(site: Site) -> None:
    server = site.server(**NEVER)
    site.submitted.update(post(server.url, "/task?queue=mail", {"period": 5}, 201)["ids"])
    assert server.stats.generating
    work(site, server.url)


@pytest.mark.parametrize("options", [(), ("--generate",)], ids=["silent", "asked"])
def test_the_command_has_an_option_for_it(site: Site, options: tuple[str, ...]) -> None:
    command = ("--listen=127.0.0.1:0", f"--store={site.store}", *options)
    server = ServerProcess(*command)
    try:
        stream = site.stream(server.url, 1, more="&submitted=1")
        site.submit(server.url, 5)
        stream.report(stream.next_batch())
        if options:
            work(site, server.url)
        else:
            server.hear("nothing is generated any more")
            site.stream(server.url, 1).expect_nothing(1)
    finally:
        server.stop()
