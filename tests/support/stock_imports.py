"""Import MMagic without any repair and print how that fails. Not a test: `conftest.py` runs it."""

import importlib
import json
import sys


def failure(action) -> str:
    """The exception that `action()` raises, as 'Type: message', or 'none'."""
    try:
        action()
    except Exception as error:
        return f'{type(error).__name__}: {error}'
    return 'none'


def register() -> None:
    from mmagic.utils import register_all_modules

    register_all_modules()


def main() -> None:
    found = {'numpy_bool8': failure(lambda: importlib.import_module('mmagic.utils'))}
    for name in [name for name in sys.modules if name.startswith('mmagic.utils')]:
        del sys.modules[name]
    import numpy as np

    np.bool8 = np.bool_  # repair number one, so that the next defect shows
    found['placeholders'] = failure(register)
    found['mmcv_ops'] = failure(lambda: importlib.import_module('mmcv.ops.upfirdn2d'))
    print(json.dumps(found))


if __name__ == '__main__':
    main()
