"""The Frechet distance between two Gaussians, and the Gaussian of a set of features."""

import numpy as np


def gaussian_of(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (D,) and unbiased covariance (D, D) of features (N, D), in double precision.

    Raises:
        ValueError: there are fewer than two features, so there is no covariance.
    """
    if len(features) < 2:
        raise ValueError(f'a covariance needs at least two images, there are {len(features)}')
    features = np.asarray(features, dtype=np.float64)
    return features.mean(axis=0), np.atleast_2d(np.cov(features, rowvar=False))


def frechet_distance(mean1: np.ndarray, cov1: np.ndarray, mean2: np.ndarray, cov2: np.ndarray) -> float:
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) (Dowson and Landau, 1982); at least zero.

    The trace of (S1 S2)^(1/2) is the sum of the singular values of S1^(1/2) S2^(1/2). This needs no
    root of the product, which is not symmetric and is singular for fewer images than features.
    """
    difference = mean1 - mean2
    product = symmetric_sqrt(cov1) @ symmetric_sqrt(cov2)
    trace = np.linalg.svd(product, compute_uv=False).sum()
    return max(float(difference @ difference + np.trace(cov1) + np.trace(cov2) - 2 * trace), 0.0)


def symmetric_sqrt(matrix: np.ndarray) -> np.ndarray:
    """The symmetric root of a positive semi-definite matrix (D, D); rounding below zero counts as zero."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
