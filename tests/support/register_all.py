"""Register all of MMagic, with the repairs, and print what is there. Not a test: `test_imports.py` runs it."""

import json
import sys

import mmagic_mikd  # isort: skip  before anything of MMagic
from mmagic.registry import MODELS
from mmagic.utils import register_all_modules
from stock_imports import failure


def main() -> None:
    register_all_modules()
    found = {
        'registered': sorted(MODELS.module_dict),
        'applied': mmagic_mikd.compat.applied(),
        'imported': sorted(sys.modules),
        'error of UNet3DConditionMotionModel': failure(
            lambda: MODELS.build(dict(type='UNet3DConditionMotionModel'))
        ),
    }
    print(json.dumps(found))


if __name__ == '__main__':
    main()
