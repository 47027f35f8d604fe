"""A discriminator of teacher and student: known answers for Gaussians, and which gradient goes where."""

import pytest
import torch

from mmagic_mikd.objectives import AdversarialLoss
from mmagic_mikd.utils.errors import ConfigError


def learn(loss, draw, updates=300):
    """Its own step, as `learning_loss` takes it: on constants."""
    optimizer = torch.optim.Adam(loss.parameters(), lr=1e-2)
    for _ in range(updates):
        optimizer.zero_grad()
        loss(*draw()).backward()
        optimizer.step()


def flat(mean, count=64):
    """Images of one grey each, normal around ``mean``."""
    return (mean + torch.randn(count, 1, 1, 1)).expand(-1, 1, 16, 16)


@pytest.fixture
def learned():
    """With images of the student around -0.5 and of the teacher around 0.5, of deviation 1: E(x) is -x."""
    torch.manual_seed(0)
    loss = AdversarialLoss(channels=1, base_channels=8)
    learn(loss, lambda: (flat(-0.5), flat(0.5)))
    return loss


def test_the_energy_is_the_log_ratio_of_the_densities(learned):
    x = torch.linspace(-2, 2, 9)
    with torch.no_grad():
        found = learned.energies(x[:, None, None, None].expand(-1, 1, 16, 16))[..., 1:-1, 1:-1].mean(
            (1, 2, 3)
        )
    assert torch.corrcoef(torch.stack([found, -x]))[0, 1] > 0.97
    assert found[4].abs() < 0.25 and (found + x).abs().max() < 1


def test_the_student_moves_towards_the_teachers_density(learned):
    s = flat(-0.5).clone().requires_grad_()
    learned(s, flat(0.5)).backward()
    assert (s.grad.sum((1, 2, 3)) < 0).float().mean() > 0.9  # a step against it makes them brighter


def test_equal_densities_leave_nothing_to_tell():
    torch.manual_seed(0)
    loss = AdversarialLoss(channels=1, base_channels=8)
    learn(loss, lambda: (flat(0.0), flat(0.0)), 100)
    with torch.no_grad():
        assert loss(flat(0.0), flat(0.0)).item() == pytest.approx(
            2 * torch.tensor(2.0).log().item(), abs=0.05
        )


def test_what_learns_from_what():
    torch.manual_seed(0)
    loss, s, t = AdversarialLoss(3.0), torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16)
    learning = loss(s, t)
    assert all(g.abs().sum() > 0 for g in torch.autograd.grad(learning, list(loss.parameters())))
    s.requires_grad_()
    t.requires_grad_()
    raising = loss(s, t)
    of_s, of_t = torch.autograd.grad(raising, [s, t], allow_unused=True)
    assert of_s.abs().sum() > 0 and of_t is None
    weighted = loss.eval()(s, t)
    loss.loss_weight = 1.0
    torch.testing.assert_close(weighted, 3 * loss(s, t))


def test_clips_are_as_many_images():
    loss = AdversarialLoss(base_channels=4).eval()
    s, t = torch.rand(2, 3, 3, 16, 16), torch.rand(2, 3, 3, 16, 16)
    torch.testing.assert_close(loss(s, t), loss(s.flatten(0, 1), t.flatten(0, 1)))


def test_other_channels_are_refused():
    with pytest.raises(ConfigError, match=r'are not both of 3 channels; set `channels`'):
        AdversarialLoss()(torch.ones(1, 1, 16, 16), torch.ones(1, 3, 16, 16))
    with pytest.raises(ConfigError, match=r'AdversarialLoss: base_channels=0 must be'):
        AdversarialLoss(base_channels=0)
