"""``python -m pena.server``: the same as ``pena server``, in this process."""

import sys

from pena._pena import run_cli

sys.exit(run_cli(["pena", "server", *sys.argv[1:]]))
