"""Reverse proxies as Debian has them, each with the least configuration that does."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.process import TIMEOUT, foreign_environment

SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
NGINX = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream pena_backend {{
    server {to};
    {upstream}
  }}
  server {{
    listen {at};
    location / {{
      {location}
    }}
  }}
}}
"""
HAPROXY = """\
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend front
  bind {at}
  default_backend pena
backend pena
  option httpchk
  server pena {to} check
"""
CADDY = """\
{{
  admin off
}}
http://:{port} {{
  bind 127.0.0.1
  reverse_proxy {to}
}}
"""
# The built-in rules of Varnish: nothing beside the backend.
VARNISH = """\
vcl 4.1;
backend default {{
  .host = "{to_host}";
  .port = "{to_port}";
}}
"""


def nginx(location: str, upstream: str = "") -> tuple[str, Callable[[Path], list[str]]]:
    """Return a configuration with this location, and its command."""
    text = NGINX.replace("{location}", location).replace("{upstream}", upstream)
    return text, lambda config: ["nginx", "-c", str(config)]


KEEP_ALIVE = 'proxy_http_version 1.1; proxy_set_header Connection "";'
PROXIES: dict[str, tuple[str, Callable[[Path], list[str]]]] = {
    "nginx": nginx("proxy_pass http://{to};"),
    "nginx with an upstream": nginx("proxy_pass http://pena_backend;"),
    "nginx that keeps connections": nginx(
        f"proxy_pass http://pena_backend; {KEEP_ALIVE}", "keepalive 4;"
    ),
    "nginx that passes Host on": nginx(
        "proxy_pass http://pena_backend; proxy_set_header Host $http_host;"
    ),
    "haproxy": (HAPROXY, lambda config: ["haproxy", "-db", "-f", str(config)]),
    "caddy": (
        CADDY,
        lambda config: ["caddy", "run", "--config", str(config), "--adapter", "caddyfile"],
    ),
    "varnish": (
        VARNISH,
        lambda config: [
            *("varnishd", "-F", "-j", "none", "-T", "none", "-s", "malloc,16m"),
            *("-n", str(config.parent / "varnish"), "-f", str(config), "-a", "{at}"),
        ],
    ),
}


class Proxy:
    """A proxy in front of the server at `to`, a process of its own; `url` is where it listens."""

    def __init__(self, name: str, folder: Path, to: str) -> None:
        text, command = PROXIES[name]
        path = f"{os.environ['PATH']}:{SBIN}"
        program = shutil.which(command(folder)[0], path=path)
        if program is None:
            pytest.skip(f"{name} is not installed")
        # Another process may take the port before the proxy does: then it ends, and is tried again.
        for _ in range(5):
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            to_host, to_port = to.split(":")
            words = {
                "folder": folder,
                "at": f"127.0.0.1:{port}",
                "port": port,
                "to": to,
                "to_host": to_host,
                "to_port": to_port,
            }
            config = folder / "config"
            config.write_text(text.format(**words))
            arguments = [word.format(**words) for word in command(config)]
            environment = {**foreign_environment(), "PATH": path, "HOME": str(folder)}
            log = (folder / "log").open("w")
            with log:
                self.process = subprocess.Popen(
                    [program, *arguments[1:]], stdout=log, stderr=log, env=environment, cwd=folder
                )
            if self._listens(port):
                self.url = f"http://127.0.0.1:{port}"
                return
        raise AssertionError(f"{name} did not start: {(folder / 'log').read_text()}")

    def _listens(self, port: int) -> bool:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return True
            except ConnectionRefusedError:
                try:
                    self.process.wait(0.02)
                    return False
                except subprocess.TimeoutExpired:
                    continue

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
