"""The Laplace q(t|s) on a pyramid: density, equal bands, learned scales."""

import math

import pytest
import torch

from mmagic_mikd.objectives import PyramidLaplaceLoss
from mmagic_mikd.objectives.pyramid_laplace import pyramid
from mmagic_mikd.utils.errors import ConfigError


@pytest.fixture
def images():
    """s and t of odd size; both ask for gradients, so that a leak shows."""
    return [
        x.requires_grad_() for x in torch.randn(2, 2, 3, 13, 10, generator=torch.Generator().manual_seed(0))
    ]


def enlarged(band, size):
    return torch.nn.functional.interpolate(band, size, mode='bilinear', align_corners=False)


def test_the_bands_add_up_to_the_image(images):
    image = images[0]
    made = pyramid(image, 4)
    assert [tuple(band.shape[2:]) for band in made] == [(13, 10), (7, 5), (4, 3), (2, 2)]
    whole = made[-1]
    for band in made[-2::-1]:
        whole = band + enlarged(whole, band.shape[-2:])
    torch.testing.assert_close(whole, image)


def test_a_constant_image_is_in_the_coarsest_band_alone():
    *fine, coarse = pyramid(torch.full((1, 1, 13, 10), 0.7), 4)
    assert all(band.abs().max() < 1e-6 for band in fine) and torch.allclose(coarse, torch.tensor(0.7))


def test_one_band_is_the_laplace_density_up_to_its_constant(images):
    s, t = images
    q = torch.distributions.Laplace(s, 0.3)
    expected = -q.log_prob(t).mean() - math.log(2)
    torch.testing.assert_close(PyramidLaplaceLoss(2.0, bands=1, initial_scale=0.3)(s, t), 2 * expected)


def test_one_band_of_unit_scale_is_l1(images):
    s, t = images
    loss = PyramidLaplaceLoss(bands=1, initial_scale=1.0)(s, t)
    torch.testing.assert_close(loss, (s - t).abs().mean())


def test_learned_scales_are_the_mean_absolute_residuals_of_their_bands(images):
    s, t = (x.detach() for x in images)
    loss = PyramidLaplaceLoss(bands=3)
    optimizer = torch.optim.LBFGS(loss.parameters(), max_iter=100, line_search_fn='strong_wolfe')

    def closure():
        optimizer.zero_grad()
        value = loss(s, t)
        value.backward()
        return value

    optimizer.step(closure)
    expected = torch.stack([band.abs().mean() for band in pyramid(t - s, 3)])
    torch.testing.assert_close(loss.scale.detach(), expected, rtol=1e-3, atol=1e-5)


def test_at_the_best_scales_every_band_weighs_alike(images):
    """A residual that is a thousand times smaller in the fine bands changes none of their shares."""
    s, t = (x.detach() for x in images)
    loss = PyramidLaplaceLoss(bands=2)
    bands = pyramid(t - s, 2)
    with torch.no_grad():
        loss.log_scale.copy_(torch.stack([band.abs().mean() for band in bands]).log())
    expected = sum(band.abs().mean().log() + 1 for band in bands) / 2
    torch.testing.assert_close(loss(s, t).detach(), expected)


def test_energies_of_samples_differ_as_their_losses_do(images):
    s, t = images
    loss = PyramidLaplaceLoss(2.0, bands=3)
    energy = loss.energy(t, s)
    assert energy.shape == (2,) and (energy[0] - energy[1]).abs() > 1e-3
    torch.testing.assert_close(2 * energy, torch.stack([loss(s[i : i + 1], t[i : i + 1]) for i in (0, 1)]))
    torch.testing.assert_close(2 * energy.mean(), loss(s, t))
    torch.testing.assert_close(loss.energy(t[None], s[None]), energy.mean()[None])  # of a clip's frames
    by_hand = sum(
        log_scale + band.abs().flatten(1).mean(1) / log_scale.exp()
        for band, log_scale in zip(pyramid(t - s, 3), loss.log_scale, strict=True)
    )
    torch.testing.assert_close(energy, by_hand / 3)


def test_gradient_reaches_the_student_and_the_scales_only(images):
    s, t = images
    loss = PyramidLaplaceLoss()
    loss(s, t).backward()
    assert t.grad is None and s.grad.abs().sum() > 0 and loss.log_scale.grad.abs().min() > 0


def test_frames_of_a_clip_count_like_images(images):
    s, t = images
    loss = PyramidLaplaceLoss()
    torch.testing.assert_close(loss(s[None], t[None]), loss(s, t))


def test_images_too_small_for_the_bands_are_named():
    with pytest.raises(ConfigError, match='at least 8 pixels a side; set `bands`'):
        PyramidLaplaceLoss()(torch.ones(1, 3, 8, 7), torch.ones(1, 3, 8, 7))


@pytest.mark.parametrize(
    'settings',
    [
        dict(initial_scale=0),
        dict(initial_scale=1e-50),
        dict(bands=0),
        dict(bands=10**9),
        dict(loss_weight='1'),
    ],
)
def test_settings_out_of_range_are_named(settings):
    with pytest.raises(ConfigError, match=f'PyramidLaplaceLoss: {next(iter(settings))}='):
        PyramidLaplaceLoss(**settings)
