"""``python -m pena.server``: the same as ``pena server``, in this process."""

import os
import sys

from pena._pena import run_cli

sys.exit(run_cli(["pena", "server", *map(os.fsencode, sys.argv[1:])]))
