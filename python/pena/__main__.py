"""``python -m pena``: the command ``pena`` in this process."""

import os
import sys

from pena._pena import run_cli

sys.exit(run_cli(["pena", *map(os.fsencode, sys.argv[1:])]))
