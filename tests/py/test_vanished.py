"""A client whose machine or network is gone, without a word."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.process import works

# In a network of its own, whose only link is cut while a stream is open.
CUT = """
import fcntl, socket, struct, subprocess, sys

def set_link(up):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", int(up)))  # SIOCSIFFLAGS

set_link(True)
server = subprocess.Popen(
    ["pena", "server", "--listen=127.0.0.1:20000", "--store=" + sys.argv[1], "--count=1",
     "--lease=1h", "--stalled-write=1s", "--log-level=debug"],
    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

def hear(text):
    for line in server.stderr:
        if text in line:
            return
    raise SystemExit("the server never said: " + text)

hear("listening")
client = socket.create_connection(("127.0.0.1", 20000))
client.sendall(b"GET /task?batchsize=1 HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
hear("grant")
set_link(False)
hear("its peer does not answer any more")
hear("lost")
server.kill()
server.wait()
"""


@pytest.mark.skipif(not works("unshare", "--net", "true"), reason="no networks of its own")
def test_a_peer_that_vanished_is_lost_long_before_its_lease_is_over(tmp_path: Path) -> None:
    command = ["unshare", "--net", sys.executable, "-c", CUT, str(tmp_path / "store")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
