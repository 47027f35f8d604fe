"""How fast student and teacher are, in turn, as they ship: `python tools/benchmark.py CONFIG`."""

import sys

from mmagic_mikd.apps.export.benchmark import main

if __name__ == '__main__':
    sys.exit(main())
