"""The Frechet distance against closed forms and against SciPy."""

import numpy as np
import pytest
from scipy import linalg

from mmagic_mikd.evaluation.frechet import frechet_distance, gaussian_of, symmetric_sqrt

DIMENSION = 12


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def covariance(rng):
    factor = rng.normal(size=(DIMENSION, 2 * DIMENSION))
    return factor @ factor.T / DIMENSION


def test_equal_covariances_leave_the_distance_of_the_means(rng):
    cov, mean1, mean2 = covariance(rng), rng.normal(size=DIMENSION), rng.normal(size=DIMENSION)
    expected = ((mean1 - mean2) ** 2).sum()
    assert frechet_distance(mean1, cov, mean2, cov) == pytest.approx(expected, rel=1e-9)


def test_commuting_covariances_leave_the_distance_of_their_roots(rng):
    """Diagonal covariances a and b, and any common rotation of them: sum (sqrt a - sqrt b)^2."""
    a, b = rng.uniform(0, 5, DIMENSION), rng.uniform(0, 5, DIMENSION)
    expected = ((np.sqrt(a) - np.sqrt(b)) ** 2).sum()
    mean = np.zeros(DIMENSION)
    assert frechet_distance(mean, np.diag(a), mean, np.diag(b)) == pytest.approx(expected, rel=1e-9)
    rotation = np.linalg.qr(rng.normal(size=(DIMENSION, DIMENSION)))[0]
    a, b = (rotation @ np.diag(values) @ rotation.T for values in (a, b))
    assert frechet_distance(mean, a, mean, b) == pytest.approx(expected, rel=1e-9)


def test_one_dimension():
    """(m1 - m2)^2 + (s1 - s2)^2 = 3^2 + (5 - 1)^2."""
    value = frechet_distance(np.array([3.0]), np.array([[25.0]]), np.zeros(1), np.eye(1))
    assert value == pytest.approx(25)


def test_agrees_with_scipy_on_covariances_that_do_not_commute(rng):
    cov1, cov2, mean = covariance(rng), covariance(rng), np.zeros(DIMENSION)
    root = linalg.sqrtm(cov1 @ cov2).real
    expected = np.trace(cov1 + cov2 - 2 * root)
    assert frechet_distance(mean, cov1, mean, cov2) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(mean, cov2, mean, cov1) == pytest.approx(expected, rel=1e-9)
    np.testing.assert_allclose(symmetric_sqrt(cov1), linalg.sqrtm(cov1).real, atol=1e-9)


@pytest.mark.parametrize('count', [2, 5, 200])
def test_identical_sets_have_no_distance(rng, count):
    """Also with fewer images than features, where the covariance is singular."""
    gaussian = gaussian_of(rng.normal(size=(count, 64)))
    assert 0 <= frechet_distance(*gaussian, *gaussian) < 1e-9


def test_fewer_images_than_features(rng):
    """tr (S1 S2)^(1/2) is also the sum of singular values of X1 X2^T for centred features X."""
    x1, x2 = rng.normal(size=(10, 64)), 2 + 3 * rng.normal(size=(15, 64))
    means = [x.mean(axis=0) for x in (x1, x2)]
    y1, y2 = ((x - mean) / np.sqrt(len(x) - 1) for x, mean in zip((x1, x2), means, strict=True))
    trace = np.linalg.svd(y1 @ y2.T, compute_uv=False).sum()
    expected = ((means[0] - means[1]) ** 2).sum() + (y1**2).sum() + (y2**2).sum() - 2 * trace
    value = frechet_distance(*gaussian_of(x1), *gaussian_of(x2))
    assert value == pytest.approx(expected, rel=1e-6)


def test_single_precision_features_are_averaged_in_double(rng):
    """A large common offset is where averages in single precision lose the digits."""
    features = rng.normal(size=(5000, 3)).astype(np.float32) + np.float32(4096)
    mean, cov = gaussian_of(features)
    np.testing.assert_allclose(mean, features.astype(np.float64).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(cov, np.cov(features.astype(np.float64).T), rtol=1e-9)


def test_one_image_has_no_covariance():
    with pytest.raises(ValueError, match='at least two images, there are 1'):
        gaussian_of(np.zeros((1, 4)))
