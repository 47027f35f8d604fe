"""The Laplace q(t|s) on Haar coefficients: orthonormal, normalised, and what is drawn from it."""

import pytest
import torch

from mmagic_mikd.objectives import HaarLaplaceLoss
from mmagic_mikd.objectives.haar_laplace import haar, inverse_haar
from mmagic_mikd.utils.errors import ConfigError


def generator():
    return torch.Generator().manual_seed(0)


def test_the_transform_keeps_squares_and_has_an_inverse():
    image = torch.randn(2, 3, 16, 24, generator=generator())
    bands = haar(image, 3)
    assert [tuple(band.shape[1:]) for band in bands] == [(9, 8, 12), (9, 4, 6), (9, 2, 3), (3, 2, 3)]
    torch.testing.assert_close(sum(b.square().sum() for b in bands), image.square().sum())
    torch.testing.assert_close(inverse_haar(bands), image)


def test_details_are_those_of_the_direction():
    """Of a vertical edge between two neighbours the horizontal difference alone is not zero."""
    image = torch.tensor([1.0, -1.0]).expand(1, 1, 2, 2)
    details, coarse = haar(image, 1)
    assert details.flatten().tolist() == [2.0, 0.0, 0.0] and coarse.item() == 0.0


def test_its_energy_is_the_exact_density_per_value():
    """Where all scales agree it is that of independent coefficients, and the transform has no determinant."""
    loss = HaarLaplaceLoss(levels=2, initial_scale=0.3)
    s, t = torch.randn(2, 2, 3, 8, 8, generator=generator())
    coefficients = torch.cat([band.flatten(1) for band in haar(t - s, 2)], 1)
    expected = -torch.distributions.Laplace(0.0, 0.3).log_prob(coefficients).mean(1)
    torch.testing.assert_close(loss.energy(t, s), expected)
    torch.testing.assert_close(loss(s, t), expected.mean())


def test_a_uniform_number_at_the_end_of_its_range_is_no_infinite_noise(monkeypatch):
    """torch.rand gives exactly 0 once in 2^24 draws, which is once in 20 batches of four 256 px images."""
    monkeypatch.setattr(torch, 'rand', lambda shape, **_: torch.zeros(shape))
    (details, coarse) = haar(HaarLaplaceLoss(levels=1).white(torch.zeros(1, 3, 4, 4)), 1)
    expected = -24 * torch.log(torch.tensor(2.0))  # as far out as the smallest other draw but one bit
    for band in (details, coarse):
        torch.testing.assert_close(band, expected.expand_as(band))


def test_what_is_drawn_has_the_scales_of_the_bands():
    loss = HaarLaplaceLoss(levels=2)
    with torch.no_grad():
        loss.log_scale.copy_(torch.tensor([0.1, 0.4, 0.9]).log())
    s = torch.randn(64, 3, 16, 16, generator=generator())
    with torch.no_grad():
        drawn = loss.draw(s, generator())
    means = torch.stack([band.abs().mean() for band in haar(drawn - s, 2)])
    torch.testing.assert_close(means, loss.scale.detach(), rtol=0.05, atol=0)
    # entropy of a Laplace distribution: 1 + log 2b, here the mean over the coefficients
    counts = torch.tensor([b[0].numel() for b in haar(s, 2)]) / s[0].numel()
    entropy = (counts * (1 + (2 * loss.scale.detach()).log())).sum()
    torch.testing.assert_close(loss.energy(drawn, s).mean().detach(), entropy, rtol=0, atol=0.01)


def test_sides_that_cannot_be_halved_are_refused():
    with pytest.raises(ConfigError, match='multiples of 8; set `levels`'):
        HaarLaplaceLoss(levels=3)(torch.zeros(1, 3, 12, 16), torch.zeros(1, 3, 12, 16))
