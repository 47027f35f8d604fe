"""`randomness=dict(deterministic=True)` ends in a RuntimeError of cuBLAS on a GPU.

MMEngine asks PyTorch for deterministic algorithms. cuBLAS has them only with a workspace of a fixed size, which
an environment variable sets, and PyTorch refuses the first matrix product without. No upstream thread. Delete
this file when MMEngine sets it.
"""

import functools
import os

from . import on_import

NAME, VALUE = 'CUBLAS_WORKSPACE_CONFIG', ':4096:8'


def apply(report) -> None:
    on_import.after('mmengine.runner.utils', lambda module: report(repair(module)))


def repair(utils) -> bool:
    """Set it, unless somebody has, before anything reaches the GPU: the runner seeds before it builds."""
    stock = utils.set_random_seed

    @functools.wraps(stock)
    def set_random_seed(seed=None, deterministic=False, *args, **kwargs):
        if deterministic:
            os.environ.setdefault(NAME, VALUE)
        return stock(seed, deterministic, *args, **kwargs)

    on_import.replace(stock, set_random_seed, package='mmengine')
    return True
