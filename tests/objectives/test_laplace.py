"""The Laplace q(t|s) with learned scales, of images and of features."""

import math

import pytest
import torch

from mmagic_mikd.objectives import HaarLaplaceLoss, LaplaceLoss, PyramidLaplaceLoss
from mmagic_mikd.utils.errors import ConfigError


@pytest.fixture
def pair():
    """s and t; both ask for gradients, so that a leak shows."""
    return torch.randn(2, 3, 4, 6, 5, generator=torch.Generator().manual_seed(0)).requires_grad_().unbind()


def test_it_is_the_density_up_to_its_constant(pair):
    s, t = pair
    expected = -torch.distributions.Laplace(s, 0.3).log_prob(t) - math.log(2)
    loss = LaplaceLoss(2.0, initial_scale=0.3)
    torch.testing.assert_close(loss(s, t), 2 * expected.mean())
    torch.testing.assert_close(loss.energy(t, s), expected.flatten(1).mean(1))


@pytest.mark.parametrize('per_channel', [False, True])
def test_the_best_scale_is_the_mean_absolute_residual(pair, per_channel):
    s, t = (x.detach() for x in pair)
    loss = LaplaceLoss(per_channel=per_channel, channels=4)
    optimizer = torch.optim.LBFGS(loss.parameters(), max_iter=100, line_search_fn='strong_wolfe')

    def closure():
        optimizer.zero_grad()
        value = loss(s, t)
        value.backward()
        return value

    optimizer.step(closure)
    best = (t - s).abs().mean((0, 2, 3) if per_channel else None).reshape(-1)
    torch.testing.assert_close(loss.scale, best, rtol=1e-3, atol=0)


def test_the_gradient_reaches_the_student_only_and_is_nothing_where_it_is_the_teacher(pair):
    s, t = pair
    (gradient,) = torch.autograd.grad(LaplaceLoss()(s, t), s, retain_graph=True)
    assert gradient.abs().sum() > 0
    LaplaceLoss()(s, t).backward()
    assert t.grad is None
    (nothing,) = torch.autograd.grad(LaplaceLoss()(s, s.detach().clone()), s)
    assert torch.equal(nothing, torch.zeros_like(s))


def test_what_is_no_pair_is_refused(pair):
    s, t = pair
    for loss, other in ((LaplaceLoss(), t[:, :2]), (LaplaceLoss(per_channel=True, channels=3), t)):
        with pytest.raises(ConfigError, match='set `channels`'):
            loss(s, other)


@pytest.mark.parametrize(
    'loss',
    [LaplaceLoss(per_channel=True, channels=2), PyramidLaplaceLoss(bands=2), HaarLaplaceLoss(levels=1)],
)
def test_a_residual_that_is_always_zero_leaves_a_scale_that_can_rise(loss):
    """As that of a channel which no image activates; the scale would become 0, and the loss 0 / 0."""
    optimizer = torch.optim.SGD(loss.parameters(), lr=1.0)
    t = torch.ones(1, 2, 4, 4)
    for _ in range(300):
        optimizer.zero_grad()
        loss(t, t).backward()
        optimizer.step()
    assert loss(t, t).isfinite()
    assert torch.all(loss.scale >= 0.99e-7)  # a millionth of what it started with
    optimizer.zero_grad()
    loss(t + torch.rand(1, 2, 4, 4), t).backward()
    assert torch.all(loss.log_scale.grad < 0)
