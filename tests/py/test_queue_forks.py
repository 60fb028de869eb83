"""Queues whose process forks at a bad moment: child and parent go on, each on its own."""

from __future__ import annotations

import pytest

from support.forks import FORKS, SAME_NUMBER
from support.process import python

pytestmark = pytest.mark.forks

PAUSES = """
begins, over = threading.Event(), threading.Event()
def profile(frame, event, what):
    if event == "c_call" and what.__name__ == "acquire":  # a pause begins, and has what it locks
        sys.setprofile(None)
        begins.set()
        over.wait()
def wait():
    sys.setprofile(profile)
    try:
        queue.wait([id])
    except pena.UnavailableError as error:
        said.append(str(error))
def goes_on():
    assert queue.wait([id], timeout=0.05).open == (id,)
    queue.close()
    is_closed()
def is_closed():
    try:
        queue.stats()
    except pena.NotRunningError:
        return
    raise AssertionError
said = []
with pena.Server(generate=False) as server:
    queue = pena.Queue(server.url)
    id = queue.submit_one("a")
    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    begins.wait()
    codes = [ended(fork(queue.close)), ended(fork(goes_on))]
    assert queue.stats().queued == 1  # what a child closes is its own
    over.set()
    queue.close()
    thread.join()
    codes.append(ended(fork(is_closed)))
    assert codes == [0] * 3, codes
    assert "the queue was closed before" in said[0], said
"""


def test_a_child_hangs_in_no_pause_that_a_thread_of_its_parent_began() -> None:
    ended = python(FORKS + PAUSES)
    assert (ended.returncode, ended.stderr) == (0, "")


PARENTS_LOOP = """
from pena import _asking
_asking._FIRST_WAIT = 1e9
touched = []
def child():
    loop.call_soon = loop.call_soon_threadsafe = lambda *what, **more: touched.append(what)
    asyncio.run(queue.close())
    assert not touched, touched
async def submit():
    global loop
    loop = asyncio.get_running_loop()
    try:
        await queue.submit_one("a")
    except pena.UnavailableError as error:
        said.append(str(error))
said = []
with socket.socket() as nobody:
    nobody.bind(("127.0.0.1", 0))
    queue = pena.AsyncQueue(f"http://127.0.0.1:{nobody.getsockname()[1]}", patience=None)
    thread = threading.Thread(target=lambda: asyncio.run(submit()), daemon=True)
    thread.start()
    while not queue._pauses:
        os.sched_yield()
    assert ended(fork(child)) == 0
    assert not said
"""


def test_a_child_that_closes_an_async_queue_touches_no_loop_of_its_parent() -> None:
    ended = python(FORKS + PARENTS_LOOP)
    assert (ended.returncode, ended.stderr) == (0, "")


# Which connection somebody uses is seen by the server: each of the two has one, and keeps it.
BOTH_ASK = """
def both_ask(server, pid, ask, others=0):
    if pid == 0:
        os.close(holds)
        ask()
        os.write(says, b"!")
        os.read(hold, 1)  # until its parent has looked
        os._exit(0)
    os.close(says)
    assert os.read(said, 1) == b"!"
    assert server.stats.connections == 2 + others, server.stats.connections
    ask()
    assert server.stats.connections == 2 + others, server.stats.connections
    os.close(holds)
    assert ended(pid) == 0
said, says = os.pipe()
hold, holds = os.pipe()
"""

WITHIN = """
def forks(*given, **more):
    global pid
    {where}.{call} = real
    got = real(*given, **more) if {behind} else None
    pid = os.fork()
    if pid == 0:
        signal.alarm(8)
    return got if {behind} else real(*given, **more)
with pena.Server(generate=False) as server, pena.Queue(server.url) as first:
    ids = [first.submit_one(name * 100000) for name in "AB"]
    queue = pena.Queue(server.url, patience=0, request_timeout=2)
    if {is_kept}:
        queue.stats()
    real = {where}.{call}
    {where}.{call} = forks
    lost = ""
    try:
        assert queue.get(id=ids[0]).payload == "A" * 100000  # both do that
    except pena.UnavailableError as error:
        assert error.sent  # by the parent
        lost = str(error)
    assert ("was forked within the request" in lost) == (pid == 0 and {is_lost}), lost
    mine, name = (ids[0], "A") if pid else (ids[1], "B")
    def ask():
        assert queue.get(id=mine).payload == name * 100000
    both_ask(server, pid, ask, others=1)
"""


@pytest.mark.parametrize(
    ("fork", "is_lost"),
    [
        ("behind socket.create_connection", True),
        ("behind pena._connections._is_quiet", True),
        ("before http.client.HTTPConnection.request", True),
        ("before http.client.HTTPResponse.begin", True),
        ("before http.client.HTTPResponse.read", True),
        ("before http.client.HTTPResponse.getheaders", False),  # both have read the answer
    ],
)
def test_a_fork_within_a_request_leaves_the_connection_to_the_parent(
    fork: str, is_lost: bool
) -> None:
    """As by a handler of a signal."""
    when, what = fork.split()
    where, call = what.rsplit(".", 1)
    code = WITHIN.format(
        where=where,
        call=call,
        behind=when == "behind",
        is_kept=call != "create_connection",
        is_lost=is_lost,
    )
    ended = python(FORKS + BOTH_ASK + code)
    assert (ended.returncode, ended.stderr) == (0, "")


BY_A_SIGNAL = """
def handle(number, frame):
    global pid
    pid = os.fork()
    if pid == 0:
        signal.alarm(8)
def serve():
    first = silent.accept()[0]
    first.recv(65536)
    signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)  # it waits for the answer
    second = silent.accept()[0]  # the child's, which has none
    second.recv(65536)
    for connection, count in ((second, 2), (first, 1)):
        head = b"HTTP/1.1 200 OK\\r\\nContent-Length: 13\\r\\n\\r\\n"
        connection.sendall(head + b'{"retried":%d}' % count)
signal.signal(signal.SIGUSR1, handle)
with socket.create_server(("127.0.0.1", 0)) as silent:
    silent.settimeout(8)
    queue = pena.Queue(f"http://127.0.0.1:{silent.getsockname()[1]}", request_timeout=9)
    threading.Thread(target=serve).start()
    count = queue.retry(all=True)
    if pid == 0:
        os._exit(0 if count == 2 else 1)
    assert count == 1
    assert ended(pid) == 0
"""


def test_a_child_of_a_signals_handler_does_not_read_the_answer_to_its_parent() -> None:
    ended = python(FORKS + BY_A_SIGNAL)
    assert (ended.returncode, ended.stderr) == (0, "")


OF_A_THREAD = """
def ask():
    try:
        queue.stats()
    except pena.UnavailableError as error:
        said.append(str(error))
said = []
hold, holds = os.pipe()
with socket.create_server(("127.0.0.1", 0)) as silent:
    queue = pena.Queue(f"http://127.0.0.1:{silent.getsockname()[1]}", patience=0)
    thread = threading.Thread(target=ask)
    thread.start()
    connection = silent.accept()[0]
    connection.settimeout(8)
    connection.recv(65536)
    pid = fork(lambda: (os.close(holds), os.read(hold, 1)))
    connection.sendall(b"no HTTP\\r\\n")  # upon which the parent ends it
    assert connection.recv(1) == b""
    thread.join()
    os.close(holds)
    assert ended(pid) == 0
    assert "no HTTP" in said[0], said
"""


def test_a_child_keeps_no_connection_on_which_a_thread_of_its_parent_asks() -> None:
    ended = python(FORKS + OF_A_THREAD)
    assert (ended.returncode, ended.stderr) == (0, "")


SHARED = """
with pena.Server(generate=False) as server:
    queue = pena.Queue(server.url)
    queue.submit_one("a")
    pid = os.fork()
    if pid == 0:
        signal.alarm(8)
    both_ask(server, pid, queue.stats)
"""

SHARED_IN_LOOPS = """
with pena.Server(generate=False) as server:
    queue = pena.AsyncQueue(server.url)
    def ask():
        asyncio.run(asyncio.wait_for(queue.stats(), 8))
    ask()
    pid = os.fork()
    if pid == 0:
        signal.alarm(8)
    both_ask(server, pid, ask)
"""


@pytest.mark.parametrize("code", [SHARED, SHARED_IN_LOOPS], ids=["Queue", "AsyncQueue"])
def test_a_child_with_the_number_of_its_parent_has_connections_of_its_own(code: str) -> None:
    ended = python(SAME_NUMBER + FORKS + BOTH_ASK + code)
    assert (ended.returncode, ended.stderr) == (0, "")


# A hook that was there before Pena's comes first in a child.
AT_FORK = """
def ask():
    queue.stats()
def at_fork():
    signal.alarm(8)
    both_ask(server, 0, ask)
os.register_at_fork(after_in_child=at_fork)
with pena.Server(generate=False) as server:
    queue = pena.Queue(server.url)
    ask()
    both_ask(server, os.fork(), ask)
"""


def test_what_others_do_at_a_fork_has_connections_of_its_own() -> None:
    ended = python(FORKS + BOTH_ASK + AT_FORK)
    assert (ended.returncode, ended.stderr) == (0, "")
