"""Says what was measured on, and when."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import servers

HERE = Path(__file__).resolve().parent


def first_line(*command: str) -> str:
    """Return what a command says of its version."""
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = (ran.stdout or ran.stderr).splitlines()
    return lines[0].strip() if lines else ""


def version_of(package: str) -> str:
    """Return the version of a package of Debian's."""
    return first_line("dpkg-query", "-W", "-f=${Version}", package)


def machine(build: Path, packages: Iterable[str]) -> dict[str, Any]:
    """Say what was measured on, and when."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    disk = subprocess.check_output(["df", "--output=fstype", "."], text=True)
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "cpu": cpu.group(1) if cpu else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(int(memory.group(1)) / 2**20) if memory else 0,
        "kernel": platform.release(),
        "filesystem": disk.split()[-1],
        "server_core": servers.cores().server,
        "sync_us": round(servers.sync_s(int(servers.cores().server)) * 1e6),
        "pena": first_line(str(build / "cli/pena"), "--version"),
        "commit": first_line("git", "-C", str(HERE), "describe", "--always", "--dirty"),
        "versions": {package: version_of(package) for package in packages},
    }
