"""Pictures through an exported student: `python tools/translate.py MODEL IN OUT`."""

import sys

from mmagic_mikd.apps.export.translate import main

if __name__ == '__main__':
    sys.exit(main())
