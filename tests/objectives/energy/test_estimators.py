"""Energies learned without a chain: analytic information, exact sums, and a base that needs no correction."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from mmagic_mikd.objectives import HaarLaplaceLoss, MIDistillLoss
from mmagic_mikd.objectives.energy.contrastive import ContrastiveObjective
from mmagic_mikd.objectives.energy.critic import EnergyCritic
from mmagic_mikd.objectives.energy.estimators import ESTIMATORS
from mmagic_mikd.objectives.energy.feature_critic import FeatureCritic
from mmagic_mikd.objectives.objective import Place
from mmagic_mikd.utils.errors import ConfigError

NEGATIVES = 15


class Quadratic(nn.Module):
    """E(t, s) = a t^2 + b s t + c s^2 + d: holds log q(t|s) / p(t) of jointly Gaussian scalars."""

    def __init__(self):
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(4))

    def forward(self, t, s):
        a, b, c, d = self.weights
        return a * t.square() + b * s * t + c * s.square() + d


def information(critic, t, s, negatives):
    """E[log q(t|s) / p(t)] of q = p(t) exp(-E) / Z(s), Z(s) by a mean over draws of p(t)."""
    log_z = torch.stack([-critic(each, s) for each in negatives]).logsumexp(0) - math.log(len(negatives))
    return (-critic(t, s) - log_z).mean().item()


@pytest.mark.parametrize('correlation', [0.0, 0.5, 0.9])
@pytest.mark.parametrize('name', sorted(ESTIMATORS))
def test_every_bound_approaches_the_mutual_information_of_gaussians_from_below(name, correlation):
    """I = -log(1 - r^2) / 2."""
    generator, critic, estimator = torch.Generator().manual_seed(0), Quadratic(), ESTIMATORS[name]
    truth = -0.5 * math.log(1 - correlation**2)

    def sample(n, negatives):
        s, noise = torch.randn(2, n, generator=generator)
        t = correlation * s + (1 - correlation**2) ** 0.5 * noise
        return t, s, list(torch.randn(negatives, n, generator=generator))

    optimizer = torch.optim.Adam(critic.parameters(), lr=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 400)
    t, s, others = sample(4096, 2048)
    with torch.no_grad():
        history = [information(critic, t, s, others)]
        assert history[0] == pytest.approx(0.0, abs=1e-6)
    sampling_error = 4 * (2 / len(t)) ** 0.5
    for _ in range(400):
        x, y, z = sample(1024, NEGATIVES)
        optimizer.zero_grad()
        estimator.learning(critic(x, y), [critic(each, y) for each in z]).backward()
        optimizer.step()
        schedule.step()
        if _ % 20 == 19:
            with torch.no_grad():
                history.append(information(critic, t, s, others))
    assert max(history) < truth + sampling_error and history[-1] == pytest.approx(truth, abs=0.06)
    assert correlation == 0 or history[-1] > history[0] + 0.1


def test_likelihood_finds_log_z_by_exact_sums():
    """Four values of t, two of s, uniform p(t): b(s) becomes log Z(s), and E + b becomes -log q / p."""
    joint = torch.tensor([[0.2, 0.1, 0.15, 0.05], [0.05, 0.05, 0.1, 0.3]])
    conditional = joint / joint.sum(1, keepdim=True)
    # as often as they are likely: a twentieth is one sample
    counts = (20 * joint).round().long()
    pairs = [(s, t) for s in range(2) for t in range(4) for _ in range(counts[s, t])]
    s, t = torch.tensor(pairs).T
    energies = torch.tensor([[0.3, -0.2, 0.5, 1.0], [0.0, 0.4, -0.1, 0.2]], requires_grad=True)
    b = torch.zeros(2, 1, requires_grad=True)
    optimizer = torch.optim.LBFGS([energies, b], max_iter=200, line_search_fn='strong_wolfe')

    def closure():
        optimizer.zero_grad()
        each = energies + b
        value = ESTIMATORS['likelihood'].learning(each[s, t], list(each[s].T))
        value.backward()
        return value

    value = optimizer.step(closure)
    value = closure()
    log_z = (-energies).exp().mean(1, keepdim=True).log()
    torch.testing.assert_close(b, log_z, atol=1e-3, rtol=0)
    torch.testing.assert_close(-(energies + b), (4 * conditional).log(), atol=2e-3, rtol=0)
    mutual = (joint * (4 * conditional).log()).sum()
    assert -value.item() == pytest.approx(mutual.item(), abs=1e-4)  # against uniform p(t)


def objective(estimator, negatives, critic, base=None, backbones=None, **options):
    bound = MIDistillLoss(1.0, estimator=estimator, negatives=negatives)
    noise = torch.Generator().manual_seed(0)
    made = ContrastiveObjective(
        'mi', bound, ['g'], critic, noise, Place(), backbones=backbones, make_base=base, **options
    )
    return made


def view(t, s):
    """Stands for what a pair of networks made."""
    return SimpleNamespace(name='g', s=s, x=None, at=lambda place, gate=None: (s, t))


def small_critic(*_):
    torch.manual_seed(0)
    return EnergyCritic(4, num_blocks=1)


@pytest.mark.parametrize('estimator', ['nce', 'likelihood'])
def test_a_base_that_is_right_needs_no_energy(estimator):
    """t - s drawn from it: the best E is constant, nobody tells draws from t, and b = 0."""
    made = objective(estimator, ['base'], small_critic, lambda: HaarLaplaceLoss(levels=1))
    base = made.network['bases']['g'].requires_grad_(False)
    optimizer = torch.optim.Adam([p for p in made.network.parameters() if p.requires_grad], lr=1e-3)
    generator, right, energies = torch.Generator().manual_seed(1), [], []
    for _ in range(150):
        s = torch.rand(16, 3, 8, 8, generator=generator) * 2 - 1
        optimizer.zero_grad()
        made.learning_loss([view(base.draw(s, generator), s)]).backward()
        optimizer.step()
        right.append(made.values['accuracy', 'g'].item())
        energies.append(made.values['energy_t', 'g'].item())
    assert sum(right[-50:]) / 50 == pytest.approx(0.5, abs=0.03)
    assert sum(energies[-50:]) / 50 == pytest.approx(0.0, abs=0.05)
    if estimator == 'likelihood':
        (b,) = made.network['normalisers'].values()
        assert b(s).abs().max() < 0.05


def test_a_base_that_is_wrong_is_corrected():
    """t - s is all of one sign, which no Laplace distribution around s can say, and an energy can."""
    made = objective('nce', ['base'], small_critic, lambda: HaarLaplaceLoss(levels=1))
    optimizer = torch.optim.Adam(made.network.parameters(), lr=1e-2)
    generator = torch.Generator().manual_seed(1)
    for _ in range(60):
        s = torch.rand(16, 3, 8, 8, generator=generator) * 2 - 1
        t = s + torch.rand(16, 3, 8, 8, generator=generator).mul(0.3)
        optimizer.zero_grad()
        made.learning_loss([view(t, s)]).backward()
        optimizer.step()
    assert made.values['accuracy', 'g'] > 0.9


@pytest.mark.parametrize(
    ('estimator', 'negatives'),
    [
        *((name, ['shuffled', 'moved', 'patches']) for name in sorted(ESTIMATORS)),
        ('nce', ['base']),
        ('likelihood', ['base']),
    ],
)
def test_detach_map(estimator, negatives):
    """What is learned never reaches the student; the bound reaches the student alone."""
    base = (lambda: HaarLaplaceLoss(levels=1)) if negatives == ['base'] else None
    made = objective(estimator, negatives, small_critic, base)
    t, s = torch.rand(2, 4, 3, 8, 8, generator=torch.Generator().manual_seed(0)).requires_grad_().unbind()
    t.retain_grad(), s.retain_grad()
    made.learning_loss([view(t, s)]).backward()
    assert t.grad is None and s.grad is None
    learned = [p for p in made.network.parameters() if p.requires_grad]
    assert sum(p.grad.abs().sum() for p in learned if p.grad is not None) > 0
    for parameter in learned:
        parameter.grad = None
    made([view(t.detach(), s)], None).backward()
    assert s.grad.abs().sum() > 0 and all(p.grad is None for p in learned)


@pytest.mark.parametrize(('estimator', 'negatives'), [('nce', 0), ('likelihood', 0), ('ranking', 2)])
def test_which_terms_reach_the_student(estimator, negatives):
    """NCE and likelihood hold log Z(s) in E; ranking knows E up to c(s), which its negatives take away."""
    t, *others = torch.randn(3, 4, 2, 2, requires_grad=True)
    ESTIMATORS[estimator].raising(t, others)
    gradients = torch.autograd.grad(ESTIMATORS[estimator].raising(t, others), [t, *others], allow_unused=True)
    assert sum(g is not None for g in gradients[1:]) == negatives
    if negatives:  # the same c(s) in all of them changes nothing
        torch.testing.assert_close(sum(gradients), torch.zeros_like(t), atol=1e-6, rtol=0)


def absolute(image, x=None):
    """A backbone that forgets signs."""
    return [image.abs()]


def test_features_can_tell_what_pixels_cannot():
    """t is s or -s by the toss of a coin: of no use to an energy of differences, but through |.|."""
    accuracy = {}
    for name, look in dict(pixels=lambda image, x=None: [image], features=absolute).items():
        made = objective(
            'nce', ['shuffled'], lambda c: FeatureCritic(c, 4), backbones=dict(g=look), waits_for_batch=True
        )
        made.build(8, 3, 3)
        optimizer = torch.optim.Adam(made.network.parameters(), lr=0.05)
        generator = torch.Generator().manual_seed(0)
        for _ in range(200):
            s = torch.randn(32, 3, 8, 8, generator=generator)
            t = s * (torch.rand(32, 1, 1, 1, generator=generator) < 0.5).float().mul(2).sub(1)
            optimizer.zero_grad()
            made.learning_loss([view(t, s)]).backward()
            optimizer.step()
        accuracy[name] = made.values['accuracy', 'g'].item()
    assert (
        accuracy['features'] > 0.95 and accuracy['pixels'] < 0.8
    )  # which knows s, and so that half the time


@pytest.mark.parametrize('blocks', [1, 2])
def test_what_reaches_the_student_beside_a_base_is_the_energy_per_value(blocks):
    """However many values a place of the critic stands for."""
    made = objective(
        'nce', ['base'], lambda *_: EnergyCritic(4, num_blocks=blocks), lambda: HaarLaplaceLoss(levels=1)
    )
    made.critics.eval()  # spectral norms stay
    t, s = torch.rand(2, 4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        made.learning_loss([view(t, s)])
    torch.testing.assert_close(
        made([view(t, s.requires_grad_())], None).detach(),
        made.energy('g', t, s).mean().detach() / t[0].numel(),
    )


def test_clips_are_told_from_other_clips():
    """And not from the frame before, which is nearly the same."""
    made = objective('nce', ['shuffled'], small_critic)
    clips = torch.rand(1, 3, 3, 8, 8)
    assert made.least_batch == 2 and made.samples(view(clips, clips)) == 1


@pytest.mark.parametrize('negatives', [['shuffled'], ['base']])
def test_equal_images_through_features_pull_nowhere(negatives):
    base = (lambda: HaarLaplaceLoss(levels=1)) if negatives == ['base'] else None
    made = objective(
        'nce', negatives, lambda c: FeatureCritic(c, 4), base, dict(g=absolute), waits_for_batch=True
    )
    made.build(8, 3, 3)
    s = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)).requires_grad_()
    made.learning_loss([view(s.detach(), s)])
    made([view(s.detach(), s)], None).backward()
    assert torch.equal(s.grad, torch.zeros_like(s))


def test_a_feature_critic_leads_to_the_teacher_and_stops_there():
    critic = FeatureCritic([3], cells=2)
    t, s = torch.randn(2, 2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    s.requires_grad_()
    (gradient,) = torch.autograd.grad(critic([t], [s]).sum(), s)
    assert (torch.sign(-gradient) == torch.sign(t - s)).all()
    (nothing,) = torch.autograd.grad(critic([s.detach()], [s]).sum(), s)
    assert torch.equal(nothing, torch.zeros_like(s))
    # at first it is the mean over the channels, of which the mean over the places is E
    torch.testing.assert_close(critic([t], [s]), (t - s).abs().flatten(1).mean(1))


def test_local_energies_have_the_energy_as_their_mean():
    critic = EnergyCritic(4, num_blocks=2).eval()
    t, s = torch.randn(2, 3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    local = critic.local(t, s)
    assert local.shape == (3, 4, 4)
    torch.testing.assert_close(local.flatten(1).mean(1), critic(t, s))


def test_unknown_names_are_refused():
    with pytest.raises(ConfigError, match='estimator'):
        MIDistillLoss(estimator='nec')
    for wrong in ([], ['move'], 'all'):
        with pytest.raises(ConfigError, match='negatives'):
            MIDistillLoss(negatives=wrong)
