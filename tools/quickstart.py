"""From image pairs to a distilled Pix2Pix; `bash tools/quickstart.sh` also installs what is missing."""

import sys

from mmagic_mikd.apps.quickstart.quickstart import main

if __name__ == '__main__':
    sys.exit(main())
