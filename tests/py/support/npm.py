"""Packages of npm for node programs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support.process import foreign_environment

# What npm says where there is none.
NO_NETWORK = re.compile(r"\b(?:EAI_AGAIN|ECONN\w+|E\w+UNREACH|ENOTFOUND|E\w*TIMEDOUT)\b")


def installed(folder: Path) -> Path:
    """Install what the folder's package.json names, where it is missing; return the folder."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    if not all((folder / "node_modules" / name).is_dir() for name in wanted):
        install = ["npm", "ci", "--loglevel=error", "--fetch-retries=0", "--fetch-timeout=30000"]
        clean = foreign_environment()
        done = subprocess.run(
            install, cwd=folder, check=False, capture_output=True, text=True, env=clean
        )
        if NO_NETWORK.search(done.stderr):
            pytest.skip("npm reaches no registry")
        assert done.returncode == 0, done.stderr
    return folder
