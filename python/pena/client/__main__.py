"""``python -m pena.client``: the same as ``pena client``, in this process."""

import os
import sys

from pena._pena import run_cli

sys.exit(run_cli(["pena", "client", *map(os.fsencode, sys.argv[1:])]))
