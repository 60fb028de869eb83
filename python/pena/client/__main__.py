"""``python -m pena.client``: the same as ``pena client``, in this process."""

import sys

from pena._pena import run_cli

sys.exit(run_cli(["pena", "client", *sys.argv[1:]]))
