"""An exported student in a page: `python tools/demo.py DIR`."""

import sys

from mmagic_mikd.apps.demo.demo import main

if __name__ == '__main__':
    sys.exit(main())
