"""The sampler against energies whose distribution is known."""

from types import SimpleNamespace

import pytest
import torch

from mmagic_mikd.objectives import MIDistillLoss
from mmagic_mikd.objectives.energy.critic import EnergyCritic
from mmagic_mikd.objectives.energy.langevin import langevin
from mmagic_mikd.objectives.energy.objective import EnergyObjective
from mmagic_mikd.objectives.objective import Place


def test_quadratic_energy_gives_the_analytic_gaussian():
    """E = (t - m)^2 / (2 v) and noise^2 = 2 step: the chain samples N(m, v), with its known step bias."""
    mean, variance, step = 0.3, 0.04, 0.004
    samples = langevin(
        lambda t: ((t - mean) ** 2).sum(1) / (2 * variance),
        torch.zeros(20_000, 1),
        steps=400,
        step_size=step,
        noise_std=(2 * step) ** 0.5,
        value_range=None,
        generator=torch.Generator().manual_seed(0),
    )
    stationary = variance / (1 - step / (2 * variance))  # of the discretised chain, exactly
    error = 4 * (stationary / len(samples)) ** 0.5  # four standard errors of the mean
    assert abs(samples.mean().item() - mean) < error
    assert samples.var().item() == pytest.approx(stationary, rel=4 * (2 / len(samples)) ** 0.5)


def test_without_noise_it_is_gradient_descent_on_each_sample():
    start = torch.tensor([[1.0, -2.0], [4.0, 0.5]])
    weights = torch.tensor([[1.0], [3.0]])
    end = langevin(
        lambda t: (weights * t**2).sum(1) / 2,
        start,
        5,
        step_size=0.1,
        noise_std=0.0,
        value_range=None,
    )
    torch.testing.assert_close(end, start * (1 - 0.1 * weights) ** 5)


def test_default_number_of_steps_and_noise_are_the_published_ones():
    """With a flat energy the chain is a random walk: variance K sigma^2, K = 10, sigma = 0.005."""
    walk = langevin(lambda t: 0 * t.sum(1), torch.zeros(200, 500), generator=torch.Generator().manual_seed(1))
    assert walk.std().item() == pytest.approx(0.005 * 10**0.5, rel=0.02)


def test_clamp_comes_once_after_the_last_step():
    visited = []

    def energy(t):
        visited.append(t.detach().max().item())
        return -t.sum(1)

    end = langevin(energy, torch.zeros(1, 1), steps=3, step_size=1.0, noise_std=0.0)
    assert visited == [0.0, 1.0, 2.0]
    assert end.item() == 1.0


def test_reproducible_from_its_own_generator_and_deaf_to_the_global_one():
    def sample(seed):
        generator = torch.Generator().manual_seed(seed)
        return langevin(lambda t: t.square().sum(1), torch.ones(2, 3), step_size=0.1, generator=generator)

    state = torch.get_rng_state()
    first = sample(7)
    torch.manual_seed(123)
    assert torch.equal(first, sample(7))
    assert not torch.equal(first, sample(8))
    torch.set_rng_state(state)
    sample(9)
    assert torch.equal(state, torch.get_rng_state())


def test_result_is_a_constant_and_start_is_untouched():
    start = torch.zeros(2, 3, requires_grad=True)
    with torch.no_grad():  # the caller's mode does not matter
        end = langevin(lambda t: (t - 1).square().sum(1), start, step_size=0.1)
    assert not end.requires_grad
    assert start.requires_grad and start.grad is None and not start.any()


@pytest.mark.parametrize(
    ('chain', 'most'), [({}, 254.0), (dict(value_range=(0.0, 9.0)), 9.0), (dict(value_range=None), 300.0)]
)
def test_a_chain_is_clamped_to_the_range_of_its_images_unless_another_is_set(chain, most):
    """At (-1, 1) the negatives of pictures in [0, 255] were black, which needs no critic."""
    given = ('mi', MIDistillLoss(), ['g'], lambda *_: EnergyCritic(2, 8), torch.Generator())
    made = EnergyObjective(*given, Place(range=(0.0, 254.0)), chain=dict(steps=0, **chain))
    s = torch.full((2, 3, 8, 8), 300.0)
    made.learning_loss([SimpleNamespace(name='g', s=s, x=None, at=lambda place, gate=None: (s, s))])
    assert made.chains['g'].t_neg.max() == most
