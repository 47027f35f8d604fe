"""Write a trained student as a file: `python tools/export.py CONFIG CHECKPOINT`."""

import sys

from mmagic_mikd.apps.export.export import main

if __name__ == '__main__':
    sys.exit(main())
