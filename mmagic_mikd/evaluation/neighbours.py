"""Density and coverage: whether generated images lie where real ones do, and whether they reach all of them."""

import numpy as np


def density_and_coverage(real: np.ndarray, fake: np.ndarray, neighbours: int) -> tuple[float, float]:
    """Of features (N, D) and (M, D); Naeem et al., "Reliable Fidelity and Diversity Metrics", ICML 2020.

    Every real image owns the ball up to its ``neighbours``-th nearest real image. Density is the mean
    number of balls that a generated image lies in, over ``neighbours``: about 1 for images of the same
    distribution, more where they crowd together. Coverage is the share of real images whose ball holds a
    generated one, in [0, 1]: 1 - 2^-neighbours, nearly, for as many images of the same distribution.

    Raises:
        ValueError: there are not more real images than ``neighbours``.
    """
    if len(real) <= neighbours:
        raise ValueError(f'{neighbours} neighbours need more real images than {len(real)}')
    radii = np.partition(squared_distances(real, real), neighbours, axis=1)[:, neighbours]  # itself is at 0
    inside = squared_distances(real, fake) < radii[:, None]
    return float(inside.sum(axis=0).mean() / neighbours), float(inside.any(axis=1).mean())


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N, M) of the rows of (N, D) and (M, D), in double precision."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    return (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
