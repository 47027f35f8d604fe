"""The bound: values, detach map, floor, and correlated Gaussians whose mutual information is known."""

import math
from functools import partial

import pytest
import torch
from torch import nn

from mmagic_mikd.objectives import MIDistillLoss
from mmagic_mikd.objectives.energy.critic import EnergyCritic
from mmagic_mikd.objectives.energy.langevin import STARTS, langevin
from mmagic_mikd.objectives.objective import frozen


@pytest.fixture
def images():
    """t, s and t~; all of them ask for gradients, so that a leak shows."""
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(2, 3, 32, 32, generator=generator).requires_grad_() for _ in range(3)]


@pytest.fixture
def critic():
    return EnergyCritic(4, image_size=32).eval()


def test_values_are_the_published_formulas(critic, images):
    t, s, t_neg = images
    e_t, e_neg = critic(t, s), critic(t_neg, s)
    expected = e_t.mean() - e_neg.mean() + 0.05 * (e_t**2 + e_neg**2).mean()
    loss, energies = MIDistillLoss().critic_loss(critic, t, s, t_neg)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(energies.t, e_t)
    torch.testing.assert_close(energies.t_neg, e_neg)
    torch.testing.assert_close(MIDistillLoss(0.1)(critic, t, s, t_neg), 0.1 * (e_t.mean() - e_neg.mean()))


def test_detach_map_of_the_critic_loss(critic, images):
    MIDistillLoss().critic_loss(critic, *images)[0].backward()
    assert [image.grad for image in images] == [None, None, None]
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in critic.head.parameters())


def test_detach_map_of_the_student_loss(critic, images):
    t, s, t_neg = images
    with frozen(critic):
        MIDistillLoss()(critic, *images).backward()
    assert t.grad is None and t_neg.grad is None and s.grad.abs().sum() > 0
    assert all(p.grad is None for p in critic.parameters())


def test_student_gradient_has_the_log_partition_term(critic, images):
    """lambda / N (dE(t, s)/ds - dE(t~, s)/ds); the second term is the gradient of log Z(s)."""
    t, s, t_neg = images
    (positive,) = torch.autograd.grad(critic(t, s).mean(), s)
    (negative,) = torch.autograd.grad(critic(t_neg, s).mean(), s)
    assert negative.abs().sum() > 0
    (gradient,) = torch.autograd.grad(MIDistillLoss(0.3)(critic, t, s, t_neg), s)
    torch.testing.assert_close(gradient, 0.3 * (positive - negative))


def test_critic_loss_has_its_floor_where_the_pairs_are_separated():
    """-1/(2c), at E(t, s) = -1/(2c) and E(t~, s) = 1/(2c)."""
    energies = nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.SGD([energies], lr=1.0)
    t, t_neg = torch.zeros(1, 1), torch.ones(1, 1)
    for _ in range(300):
        optimizer.zero_grad()
        loss, _ = MIDistillLoss().critic_loss(
            lambda t, s: energies[t.long().squeeze(1)], t, torch.zeros(1, 1), t_neg
        )
        loss.backward()
        optimizer.step()
    assert loss.item() == pytest.approx(-10.0)
    assert energies.tolist() == pytest.approx([-10.0, 10.0])


def test_zero_for_a_chain_that_has_reached_the_teacher(critic, images):
    t, s, _ = images
    assert MIDistillLoss(1.0)(critic, t, s, t).item() == pytest.approx(0.0, abs=1e-6)


class LinearQuadratic(nn.Module):
    """E(t, s) = softplus(a) t^2 / 2 + b t s: the exact family of q for jointly Gaussian scalars."""

    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.zeros(()))
        self.b = nn.Parameter(torch.zeros(()))

    def forward(self, t, s):
        return (nn.functional.softplus(self.a) * t.square() / 2 + self.b * t * s).squeeze(1)

    def log_q(self, t, s):
        """E[log q(t|s)], with the partition function of the Gaussian in closed form."""
        precision = nn.functional.softplus(self.a)
        log_z = (self.b * s).square() / (2 * precision) + 0.5 * torch.log(2 * math.pi / precision)
        return (-self(t, s) - log_z.squeeze(1)).mean()


def bound(critic, t, s):
    """H(T) + E[log q(t|s)] for a standard normal T, in nats."""
    return 0.5 * math.log(2 * math.pi * math.e) + critic.log_q(t, s).item()


@pytest.mark.parametrize('correlation', [0.0, 0.5, 0.9])
def test_bound_approaches_the_mutual_information_of_gaussians_from_below(correlation):
    """I = -log(1 - r^2) / 2. The critic is trained by critic_loss with samples of our own chain."""
    generator = torch.Generator().manual_seed(0)

    def pairs(n):
        s = torch.randn(n, 1, generator=generator)
        return correlation * s + (1 - correlation**2) ** 0.5 * torch.randn(n, 1, generator=generator), s

    loss, critic = MIDistillLoss(energy_l2=0.0), LinearQuadratic()
    step = 0.04 * (1 - correlation**2)  # a fixed share of the variance of q(t|s)
    optimizer = torch.optim.Adam(critic.parameters(), lr=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 600)
    t_test, s_test = pairs(100_000)
    information = -0.5 * math.log(1 - correlation**2)
    history = [bound(critic, t_test, s_test)]
    for iteration in range(600):
        t, s = pairs(1024)
        t_neg = langevin(
            partial(critic, s=s),
            t,  # contrastive divergence: consistent, and fast for every correlation
            steps=40,
            step_size=step,
            noise_std=(2 * step) ** 0.5,
            value_range=None,
            generator=generator,
        )
        optimizer.zero_grad()
        loss.critic_loss(critic, t, s, t_neg)[0].backward()
        optimizer.step()
        schedule.step()
        if iteration % 20 == 19:
            history.append(bound(critic, t_test, s_test))
    sampling_error = 4 * (2 / len(t_test)) ** 0.5
    assert max(history) < information + sampling_error
    assert history[-1] == pytest.approx(information, abs=0.03)
    assert correlation == 0 or history[-1] > history[0] + 0.1


def test_student_follows_the_bound_to_more_dependence():
    """s = w u + noise-free part v: raising the bound turns s towards the teacher's source u."""
    generator = torch.Generator().manual_seed(0)
    angle = nn.Parameter(torch.tensor(1.2))  # cos: share of the teacher's source in s
    critic, loss = LinearQuadratic(), MIDistillLoss(loss_weight=1.0, energy_l2=0.0)
    critic_optimizer = torch.optim.Adam(critic.parameters(), lr=0.05)
    optimizer = torch.optim.SGD([angle], lr=0.05)
    start = abs(math.cos(angle.item()))
    for _ in range(150):
        u, v = torch.randn(2, 512, 1, generator=generator)
        s = angle.cos() * u + angle.sin() * v
        t_neg = langevin(partial(critic, s=s.detach()), s, 40, 0.05, 0.1**0.5, None, generator=generator)
        critic_optimizer.zero_grad()
        loss.critic_loss(critic, u, s, t_neg)[0].backward()
        critic_optimizer.step()
        optimizer.zero_grad()
        with frozen(critic):
            loss(critic, u, s, t_neg).backward()
        optimizer.step()
    assert abs(math.cos(angle.item())) > 0.95 > start


@pytest.mark.parametrize(('start', 'towards'), [('student', False), ('shuffled', True)])
def test_which_way_the_bound_pulls_the_student(start, towards):
    """From s, which lies between grey and t, chains started at s teach the critic distance, not likeness."""
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    loss, critic = MIDistillLoss(1.0), EnergyCritic(8, num_blocks=1)
    optimizer = torch.optim.Adam(critic.parameters(), lr=1e-2, betas=(0.0, 0.999))
    for _ in range(100):
        t = torch.rand(16, 3, 4, 4, generator=generator).mul(2).sub(1).repeat_interleave(4, 2)
        t = t.repeat_interleave(4, 3)
        s = (0.5 * t).requires_grad_()
        with frozen(critic):
            begin = STARTS[start][1](t, s, 1)
            t_neg = langevin(critic.given(s.detach()), begin, 5, step_size=1.0, generator=generator)
        optimizer.zero_grad()
        loss.critic_loss(critic, t, s, t_neg)[0].backward()
        optimizer.step()
    with frozen(critic):
        (gradient,) = torch.autograd.grad(loss(critic, t, s, t_neg), s)
    cosine = torch.cosine_similarity(-gradient.flatten(1), (t - s).flatten(1)).mean().item()
    assert (cosine > 0.1) if towards else (cosine < 0.0)
