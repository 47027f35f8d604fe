"""A discriminator of teacher and student: known answers for Gaussians, and which gradient goes where."""

import math

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


def test_pairs_are_told_apart_where_the_densities_are_equal():
    """The teacher makes the negative of the student's image, so both make the same images: of no pair."""

    def draw():
        s = flat(0.0)
        return s, -s

    torch.manual_seed(0)
    blind = AdversarialLoss(channels=1, base_channels=8)
    seeing = AdversarialLoss(channels=1, base_channels=8, sees=['student'])
    learn(blind, draw, 60)
    learn(seeing, draw, 150)
    with torch.no_grad():
        values = [loss(*draw()).item() for loss in (blind, seeing)]
    nothing = 2 * math.log(2)
    assert values[0] == pytest.approx(nothing, abs=0.1) and values[1] < 0.8 * nothing
    s = flat(0.0).clone().requires_grad_()
    seeing(s, -s.detach()).backward()
    step, grey = -s.grad.sum((1, 2, 3)), s.detach()[:, 0, 0, 0]
    clear = grey.abs() > 0.5
    assert (step * grey < 0)[clear].float().mean() > 0.9  # each towards its own teacher, by its sign


def test_pairs_that_are_equal_cannot_be_told_and_pull_nowhere():
    """At s = t both logits are the same one, whose loss is 2 log 2 or more; learned, it is at even odds."""
    torch.manual_seed(0)
    loss = AdversarialLoss(channels=1, base_channels=8, sees=['student'])

    def draw():
        s = flat(0.0)
        return s, s.clone()

    learn(loss, draw, 60)
    with torch.no_grad():
        assert loss(*draw()).item() == pytest.approx(2 * math.log(2), abs=1e-3)


def test_a_teacher_who_is_as_often_above_as_below_pulls_less_than_one_who_is_above():
    def pull(signs):
        torch.manual_seed(0)
        loss = AdversarialLoss(channels=1, base_channels=8, sees=['student'])

        def draw():
            s = flat(0.0)
            return s, s + signs[:, None, None, None]

        learn(loss, draw, 120)
        s = flat(0.0).clone().requires_grad_()
        return torch.autograd.grad(loss(s, s.detach()), s)[0].sum((1, 2, 3)).mean().abs()

    one_side, both = torch.ones(64), torch.tensor([1.0, -1.0]).repeat(32)
    assert pull(both) < 0.4 * pull(one_side)


def test_the_energy_given_the_input_is_the_log_ratio_of_the_conditional_densities():
    """The input is a grey of deviation 3, around which the student is 0.5 too dark and the teacher too bright.

    Both of deviation 1: E(i, x) is -(i - x), while the densities of the images alone hardly differ.
    """

    def draw():
        x = flat(0.0) * 3
        return x + flat(-0.5), x + flat(0.5), x

    torch.manual_seed(0)
    loss = AdversarialLoss(channels=1, base_channels=8, sees=['input'], input_channels=1)
    learn(loss, draw, 300)
    x = 3 * flat(0.0)
    aside = flat(0.0)
    with torch.no_grad():
        found = loss.energies(torch.cat([x + aside, x], 1))[..., 1:-1, 1:-1].mean((1, 2, 3))
    assert torch.corrcoef(torch.stack([found, -aside[:, 0, 0, 0]]))[0, 1] > 0.9


def test_the_student_is_a_constant_where_it_is_a_condition():
    torch.manual_seed(0)
    loss = AdversarialLoss(2.0, base_channels=4, sees=['input', 'student']).eval()
    s, t, x = torch.rand(3, 2, 3, 16, 16)
    s.requires_grad_(), x.requires_grad_()
    of_s, of_x = torch.autograd.grad(loss(s, t, x), [s, x], allow_unused=True)
    together = torch.cat([s, x, s], 1).detach().requires_grad_()
    (by_place,) = torch.autograd.grad(2.0 * loss.energies(together).mean(), together)
    torch.testing.assert_close(of_s, by_place[:, :3])
    assert of_x is None and by_place[:, 6:].abs().sum() > 0


@pytest.mark.parametrize(
    ('sees', 'channels'), [([], 3), (['student'], 6), (['input'], 4), (['input', 'student'], 7)]
)
def test_the_channels_of_what_it_sees_add_up(sees, channels):
    """An input of another size is resized: that of super-resolution is small."""
    loss = AdversarialLoss(base_channels=4, sees=sees, input_channels=1)
    assert loss.energies[0].in_channels == channels and loss.asks_input == ('input' in sees)
    assert ({'layer', 'backbone'} <= set(loss.cannot_have)) == loss.asks_input
    s, t = torch.rand(2, 2, 3, 16, 16)
    assert loss(s, t, torch.rand(2, 1, 4, 4)).isfinite()


@pytest.mark.parametrize('x', [None, torch.rand(2, 512), torch.rand(2, 1, 16, 16), torch.rand(1, 3, 16, 16)])
def test_an_input_that_is_no_image_beside_the_students_is_refused(x):
    loss, (s, t) = AdversarialLoss(base_channels=4, sees=['input']), torch.rand(2, 2, 3, 16, 16)
    with pytest.raises(ConfigError, match="set `input_channels`, or leave 'input' out of `sees`"):
        loss(s, t, x)


@pytest.mark.parametrize('sees', ['student', ['teacher'], ['input', 'x']])
def test_what_it_cannot_see_is_named(sees):
    with pytest.raises(ConfigError, match="must be a list of 'input' and 'student'"):
        AdversarialLoss(sees=sees)


def test_clips_are_as_many_images():
    loss = AdversarialLoss(base_channels=4).eval()
    s, t = torch.rand(2, 3, 3, 16, 16), torch.rand(2, 3, 3, 16, 16)
    torch.testing.assert_close(loss(s, t), loss(s.flatten(0, 1), t.flatten(0, 1)))


def test_other_channels_are_refused():
    with pytest.raises(ConfigError, match=r'are not both of 3 channels; set `channels`'):
        AdversarialLoss()(torch.ones(1, 1, 16, 16), torch.ones(1, 3, 16, 16))
    with pytest.raises(ConfigError, match=r'AdversarialLoss: base_channels=0 must be'):
        AdversarialLoss(base_channels=0)
