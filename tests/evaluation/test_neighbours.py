"""Density and coverage on sets that can be counted by hand, and through MMagic's evaluator."""

import numpy as np
import pytest
from evaluation_runs import build, frechet, pix2pix

from mmagic_mikd.evaluation.neighbours import density_and_coverage, squared_distances
from mmagic_mikd.utils.errors import ConfigError

LINE = np.array([[0.0], [1.0], [2.0], [3.0]])  # with one neighbour every ball has radius 1
PHOTO = dict(real_key='img_photo', fake_key='fake_photo')


def test_distances_are_those_of_the_definition():
    a, b = np.random.default_rng(0).normal(size=(2, 5, 3))
    expected = [[((x - y) ** 2).sum() for y in b] for x in a]
    np.testing.assert_allclose(squared_distances(a, b), expected, atol=1e-12)


@pytest.mark.parametrize(
    'fake, density, coverage',
    [
        ([[0.5]], 2.0, 0.5),  # in the balls of 0 and 1
        ([[0.5], [2.5]], 2.0, 1.0),
        ([[10.0], [0.5]], 1.0, 0.5),  # one is nowhere
        ([[10.0], [-10.0]], 0.0, 0.0),
        ([[-0.5]], 1.0, 0.25),
    ],
)
def test_balls_on_a_line(fake, density, coverage):
    assert density_and_coverage(LINE, np.array(fake), 1) == (density, coverage)


def test_the_same_distribution_is_dense_and_covers():
    """Density 1 and coverage 1 - 2^-k for many images of the same distribution (Naeem et al., section 3.3)."""
    real, fake = np.random.default_rng(0).normal(size=(2, 2000, 8))
    density, coverage = density_and_coverage(real, fake, 5)
    assert density == pytest.approx(1, abs=0.05) and coverage == pytest.approx(1 - 2**-5, abs=0.02)
    crowded, dropped = density_and_coverage(real, 0.1 * fake, 5)  # faithful to the mean, blind to the rest
    assert crowded > 1.5 and dropped < 0.2


def test_more_neighbours_than_images_are_refused():
    with pytest.raises(ValueError, match='4 neighbours need more real images than 4'):
        density_and_coverage(LINE, LINE, 4)


def test_the_evaluator_reports_them_beside_the_distance(tmp_path):
    runner, recorder = build(pix2pix(tmp_path, [frechet(**PHOTO, neighbours=3)]))
    runner.test()
    (metrics,) = recorder.metrics
    assert metrics.keys() == {f'{k}_resnet56-cifar10' for k in ('frechet', 'density', 'coverage')}
    assert 0 <= metrics['coverage_resnet56-cifar10'] <= 1


@pytest.mark.parametrize(
    'neighbours, says', [(0, 'must be .* at least 1'), (10, 'needs more real images than 10')]
)
def test_a_number_that_cannot_be_is_named(tmp_path, neighbours, says):
    with pytest.raises(ConfigError, match=f'neighbours={neighbours} {says}'):
        build(pix2pix(tmp_path, [frechet(**PHOTO, neighbours=neighbours)]))[0].test()
