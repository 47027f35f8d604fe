"""FID's matrix root, with a SciPy that has removed `disp`."""

from types import SimpleNamespace

import numpy as np
import pytest
from mmagic.evaluation.metrics import fid
from scipy import linalg

from mmagic_mikd.compat import sqrtm

RNG = np.random.default_rng(0)


@pytest.fixture
def scipy_118(monkeypatch):
    """The module of FID, as if SciPy 1.18 were installed."""

    def without_disp(A):
        return linalg.sqrtm(A)

    monkeypatch.setattr(fid, 'linalg', SimpleNamespace(sqrtm=without_disp))
    assert sqrtm.repair(fid)


def test_stock_fid_dies_with_scipy_118(stock):
    assert stock['sqrtm'].startswith('TypeError')
    assert 'disp' in stock['sqrtm']


def test_fid_of_known_gaussians(scipy_118):
    """Diagonal Gaussians: the squared distance of the means plus that of the standard deviations."""
    mean, other_mean = RNG.normal(size=(2, 4))
    std, other_std = RNG.uniform(0.5, 2, size=(2, 4))
    result, *_ = fid.FrechetInceptionDistance._calc_fid(
        mean, np.diag(std**2), other_mean, np.diag(other_std**2)
    )
    assert result == pytest.approx(((mean - other_mean) ** 2).sum() + ((std - other_std) ** 2).sum())


def test_the_result_is_that_of_scipy_itself():
    factors = RNG.normal(size=(2, 5, 9))
    cov, other = (f @ f.T for f in factors)
    mean = np.zeros(5)
    result, *_ = fid.FrechetInceptionDistance._calc_fid(mean, cov, mean, other)
    root = linalg.sqrtm(cov @ other)
    assert result == pytest.approx(np.trace(cov) + np.trace(other) - 2 * np.trace(root.real))
