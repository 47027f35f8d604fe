"""The Gaussian q(t|s): density, gradient, and the variance that it must learn."""

import math

import pytest
import torch

from mmagic_mikd.objectives import VIDLoss
from mmagic_mikd.objectives.vid import VIDRegressor
from mmagic_mikd.utils.errors import ConfigError


@pytest.fixture
def images():
    """s and t; both ask for gradients, so that a leak shows."""
    return [
        x.requires_grad_() for x in torch.randn(2, 4, 3, 6, 5, generator=torch.Generator().manual_seed(0))
    ]


def test_value_is_the_gaussian_density_up_to_its_constant(images):
    s, t = images
    loss = VIDLoss(2.0)
    with torch.no_grad():
        loss.alpha.copy_(torch.tensor([-1.0, 0.0, 3.0]))
    q = torch.distributions.Normal(s, loss.variance.sqrt().reshape(3, 1, 1))
    expected = -q.log_prob(t).mean() - 0.5 * math.log(2 * math.pi)
    torch.testing.assert_close(loss(s, t), 2 * expected)


@pytest.mark.parametrize('variance', [5.0, 0.01, 300.0, 1000.0, 65025.0])
def test_initial_variance_is_that_of_every_channel(variance):
    torch.testing.assert_close(VIDLoss(initial_variance=variance).variance, torch.full((3,), variance))


def test_unit_variance_is_half_the_squared_distance(images):
    s, t = images
    torch.testing.assert_close(VIDLoss(initial_variance=1.0)(s, t), (s - t).square().mean() / 2)


def test_gradient_is_the_residual_over_the_variance_and_reaches_the_student_only(images):
    s, t = images
    loss = VIDLoss(3.0, initial_variance=0.25)
    loss(s, t).backward()
    torch.testing.assert_close(s.grad, 3.0 * (s - t).detach() / 0.25 / s.numel())
    assert t.grad is None and loss.alpha.grad.abs().sum() > 0


def test_learned_variance_is_the_mean_squared_residual_of_its_channel(images):
    """The maximum of the likelihood in closed form, at residuals that differ between the channels."""
    s, t = (x.detach() for x in images)
    t = s + (t - s) * torch.tensor([0.1, 1.0, 3.0]).reshape(3, 1, 1)
    loss = VIDLoss()
    optimizer = torch.optim.LBFGS([loss.alpha], max_iter=100, line_search_fn='strong_wolfe')

    def closure():
        optimizer.zero_grad()
        value = loss(s, t)
        value.backward()
        return value

    optimizer.step(closure)
    torch.testing.assert_close(loss.variance.detach(), (s - t).square().mean((0, 2, 3)), rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize('per_channel', [True, False])
def test_energies_of_samples_differ_as_their_densities_do(images, per_channel):
    s, t = images
    loss = VIDLoss(3.0, per_channel=per_channel, initial_variance=0.3)
    if per_channel:
        with torch.no_grad():
            loss.alpha.copy_(torch.tensor([-1.0, 0.0, 3.0]))
    energy = loss.energy(t, s)
    log_q = torch.distributions.Normal(s, loss.variance.sqrt().reshape(-1, 1, 1)).log_prob(t)
    expected = -log_q.flatten(1).mean(1) - 0.5 * math.log(2 * math.pi)
    assert energy.shape == (4,)
    torch.testing.assert_close(energy, expected)
    torch.testing.assert_close(3 * energy.mean(), loss(s, t))
    one = 3 * (loss.energy(t[:1], s[:1]) - loss.energy(t[1:2], s[1:2]))
    torch.testing.assert_close(one.sum(), loss(s[:1], t[:1]) - loss(s[1:2], t[1:2]))


def test_one_variance_for_all_channels_is_the_mean_squared_residual(images):
    s, t = (x.detach() for x in images)
    loss = VIDLoss(per_channel=False, channels=7)  # the number of channels is of no account
    assert loss.alpha.shape == (1,)
    with torch.no_grad():
        loss.alpha.copy_(torch.log(torch.expm1((s - t).square().mean() - loss.eps)))
    loss(s, t).backward()
    assert loss.alpha.grad.abs() < 1e-6  # so it is the best one


def test_the_published_regressor_is_an_adapter():
    """Three convolutions of 1 x 1: each place by itself, from the student's width to the teacher's."""
    torch.manual_seed(0)
    regressor, s = VIDRegressor(2, 5), torch.randn(1, 2, 3, 4)
    made, moved = regressor(s), regressor(s.flip(-1)).flip(-1)
    assert made.shape == (1, 5, 3, 4) and [p.shape[:2] for p in regressor.parameters()] == [
        (5, 2),
        (5, 5),
        (5, 5),
    ]
    torch.testing.assert_close(made, moved)
    assert VIDLoss(channels=5)(made, torch.zeros(1, 5, 3, 4)).requires_grad


def test_variance_stays_above_its_least_where_student_and_teacher_agree(images):
    s, _ = images
    loss = VIDLoss()
    with torch.no_grad():
        loss.alpha.fill_(-1e4)
    assert loss(s, s).item() == pytest.approx(0.5 * math.log(1e-5))


def test_frames_of_a_clip_count_like_images(images):
    s, t = images
    loss = VIDLoss()
    torch.testing.assert_close(loss(s[None], t[None]), loss(s, t))


@pytest.mark.parametrize(
    ('shapes', 'settings'),
    [
        (((2, 4, 8, 8), (2, 4, 8, 8)), {}),
        (((2, 64, 3), (2, 64, 3)), {}),
        (((2, 4, 8, 8), (2, 8, 8, 8)), dict(channels=4)),
    ],
)
def test_what_has_no_variance_is_named(shapes, settings):
    with pytest.raises(ConfigError, match='set `channels` of this entry'):
        VIDLoss(**settings)(*map(torch.ones, shapes))


@pytest.mark.parametrize(
    'settings',
    [
        dict(initial_variance=0),
        dict(initial_variance=1e39),
        dict(channels=0),
        dict(channels=10**9),
        dict(eps=1e-50),
        dict(loss_weight='1'),
    ],
)
def test_settings_out_of_range_are_named(settings):
    with pytest.raises(ConfigError, match=f'VIDLoss: {next(iter(settings))}='):
        VIDLoss(**settings)
