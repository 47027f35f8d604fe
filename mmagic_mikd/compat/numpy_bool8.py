"""`import mmagic.utils` dies under NumPy 2, which removed the alias `np.bool8`.

`mmagic/utils/trans_utils.py` looks the alias up while it is imported. No upstream thread, and no
release of MMagic knows NumPy 2. Delete this file when `trans_utils.py` says `np.bool_`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from . import on_import


def apply(report) -> None:
    def wrap(module):
        return _alias(report)

    on_import.around('mmagic.utils.trans_utils', wrap)


@contextmanager
def _alias(report) -> Iterator[None]:
    """Only while that module is executed: elsewhere `hasattr(np, 'bool8')` keeps telling the truth."""
    import numpy as np

    if hasattr(np, 'bool8'):
        yield
        return
    np.bool8 = np.bool_
    try:
        yield
    finally:
        del np.bool8
    report(True)
