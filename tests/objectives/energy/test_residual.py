"""An energy that corrects a closed form, learned by chains in that form's white noise."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from mmagic_mikd.objectives import HaarLaplaceLoss, MIDistillLoss
from mmagic_mikd.objectives.energy.critic import EnergyCritic
from mmagic_mikd.objectives.energy.residual import ResidualEnergyObjective
from mmagic_mikd.objectives.objective import Place

EULER = 0.5772156649


class Known(nn.Module):
    """A critic of single values, of which nothing is learned."""

    def __init__(self, energy):
        super().__init__()
        self.energy = energy

    def local(self, t, s):
        return self.energy(t - s)


def objective(critic, base, **chain):
    bound, noise = MIDistillLoss(1.0), torch.Generator().manual_seed(0)
    given = ('mi', bound, ['g'], lambda *_: critic, noise, Place())
    return ResidualEnergyObjective(*given, make_base=lambda: base, chain=chain)


def view(t, s):
    return SimpleNamespace(name='g', s=s, x=None, at=lambda place, gate=None: (s, t))


def values(count):
    """Independent values, as images of one pixel for a base without a transform."""
    return torch.zeros(count, 1, 1, 1)


def test_without_a_correction_a_chain_stays_in_the_noise_of_the_base():
    """Whatever the scales of the bands, which the steps do not know."""
    base = HaarLaplaceLoss(levels=1)
    with torch.no_grad():
        base.log_scale.copy_(torch.tensor([1e-3, 10.0]).log())
    made = objective(Known(torch.zeros_like), base, steps=50)
    s = torch.zeros(500, 3, 4, 4)
    _, end, _ = made._sample('g', s, s, 1)
    drawn = base.draw(s, torch.Generator().manual_seed(1))
    assert base.energy(end, s).mean().item() == pytest.approx(base.energy(drawn, s).mean().item(), abs=0.03)


def test_a_chain_follows_the_correction():
    """exp(-|u|) exp(-a u) has the mean -2 a / (1 - a^2)."""
    a = 0.5
    made = objective(
        Known(lambda r: a * r), HaarLaplaceLoss(levels=0, initial_scale=1.0), steps=1000, step_size=0.02
    )
    s = values(4000)
    _, end, _ = made._sample('g', s, s, 1)
    assert (end - s).mean().item() == pytest.approx(-2 * a / (1 - a**2), abs=0.1)


def gumbel(count, generator):
    """Of mean zero, and -log of its density."""
    uniform = torch.rand(count, 1, 1, 1, generator=generator).clamp(1e-6, 1 - 1e-6)
    return -(-uniform.log()).log() - EULER


def minus_log_gumbel(r):
    return r + EULER + (-(r + EULER)).exp()


def test_the_student_gets_the_gradient_of_the_corrected_density():
    """t - s is Gumbel noise, which a Laplace base takes for symmetric. The correction is exact."""
    t = gumbel(20_000, torch.Generator().manual_seed(1))
    base = HaarLaplaceLoss(levels=0, initial_scale=t.abs().mean().item())
    exact = Known(lambda r: minus_log_gumbel(r) - r.abs() / base.scale.detach())
    made = objective(exact, base, steps=300, step_size=0.02)
    gradients = []
    for loss in (lambda s: base(s, t), lambda s: made([view(t, s)], None)):
        s = values(len(t)).requires_grad_()
        made.learning_loss([view(t, s.detach())])
        gradients.append(torch.autograd.grad(loss(s), s)[0].sum().item())
    of_base, corrected = gradients
    assert abs(of_base) > 0.1  # where the true one is zero: t - s has the right place already
    assert corrected == pytest.approx(0.0, abs=0.04)


def test_a_base_that_is_right_needs_no_correction():
    """t - s drawn from it: chains end as t does, and what the critic learns is nothing."""
    torch.manual_seed(0)
    base = HaarLaplaceLoss(levels=1)
    made = objective(EnergyCritic(4, num_blocks=1), base)
    optimizer = torch.optim.Adam(made.critics.parameters(), lr=1e-3)
    generator, gaps = torch.Generator().manual_seed(1), []
    for _ in range(100):
        s = torch.rand(16, 3, 8, 8, generator=generator) * 2 - 1
        optimizer.zero_grad()
        made.learning_loss([view(base.draw(s, generator).detach(), s)]).backward()
        optimizer.step()
        gaps.append(made.values['energy_gap', 'g'].item())
    assert sum(gaps[-50:]) / 50 == pytest.approx(0.0, abs=0.1)


def test_detach_map_and_energy():
    made = objective(EnergyCritic(4, num_blocks=1).eval(), HaarLaplaceLoss(levels=1))
    t, s = torch.rand(2, 2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    s.requires_grad_()
    made.learning_loss([view(t, s)]).backward()
    learned = list(made.network.parameters())
    assert s.grad is None and any(
        p.grad is not None and p.grad.abs().sum() > 0 for p in made.critics.parameters()
    )
    assert all(p.grad.abs().sum() > 0 for p in made.network['bases'].parameters())
    for parameter in learned:
        parameter.grad = None
    made([view(t, s)], None).backward()
    assert s.grad.abs().sum() > 0 and all(p.grad is None for p in learned)
    local = made.critics['g'].local(t, s).flatten(1).sum(1)
    base = made.network['bases']['g'].energy(t, s) * t[0].numel()
    torch.testing.assert_close(made.energy('g', t, s), base + local)
