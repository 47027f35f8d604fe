"""FID warns with SciPy 1.17 and dies with 1.18, which removed `sqrtm(..., disp=False)`.

No upstream thread. Delete this file when `mmagic/evaluation/metrics/fid.py` calls `sqrtm` without `disp`.
"""

import inspect

from . import on_import


def apply(report) -> None:
    on_import.after('mmagic.evaluation.metrics.fid', lambda module: report(repair(module)))


def repair(fid) -> bool:
    """Give that module a `sqrtm` that still takes `disp`; False where upstream does not pass it."""
    if 'disp=False' not in inspect.getsource(fid):
        return False
    fid.linalg = _Linalg(fid.linalg)
    return True


class _Linalg:
    """`scipy.linalg`, whose `sqrtm` returns (root, error estimate) for `disp=False` as it used to."""

    def __init__(self, stock) -> None:
        self.stock = stock

    def __getattr__(self, name: str):
        return getattr(self.stock, name)

    def sqrtm(self, matrix, disp: bool = True):
        root = self.stock.sqrtm(matrix)
        return root if disp else (root, None)  # the only caller throws the estimate away
