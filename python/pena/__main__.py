"""``python -m pena``: the command ``pena`` in this process."""

import sys

from pena._pena import run_cli

sys.exit(run_cli(["pena", *sys.argv[1:]]))
