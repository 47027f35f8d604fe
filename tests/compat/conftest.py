"""What the tests of the repairs share: one thread, and the failures of the stock toolbox."""

import compat_runs
import pytest

IMPORT_REPAIRS = {'numpy_bool8', 'placeholders', 'mmcv_ops'}


@pytest.fixture(autouse=True)
def small(one_thread):
    """Networks this small get slower on more threads."""


@pytest.fixture(scope='session')
def stock_imports() -> dict[str, str]:
    """How the toolbox fails to import where nothing repairs it."""
    return compat_runs.python('stock_imports.py')


@pytest.fixture(scope='session')
def stock(tmp_path_factory) -> dict[str, str]:
    """How each of the other defects shows, with the repairs left out that are not needed to import."""
    from mmagic_mikd.compat import REPAIRS

    without = ','.join(name for name in REPAIRS if name not in IMPORT_REPAIRS)
    return compat_runs.python('stock_failures.py', tmp_path_factory.mktemp('stock'), without=without)
