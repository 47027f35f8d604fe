"""The energy network against the reference: sizes, start values, normalisation."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmagic_mikd.objectives.energy.critic import EnergyCritic
from mmagic_mikd.objectives.energy.spectral_norm import SpectralNorm
from mmagic_mikd.objectives.objective import frozen


@pytest.mark.parametrize(('base_channels', 'parameters'), [(32, 1_708_609), (8, 107_473)])
def test_parameter_count_of_the_reference(base_channels, parameters):
    critic = EnergyCritic(base_channels, image_size=256)
    assert sum(p.numel() for p in critic.parameters()) == parameters


@pytest.mark.parametrize(('size', 'blocks'), [(256, 7), (128, 6), (64, 5), (96, 5), ((64, 512), 5), (4, 1)])
def test_depth_follows_the_image_size(size, blocks):
    assert len(EnergyCritic(2, image_size=size).blocks) == blocks


@pytest.mark.parametrize('shape', [(1, 33, 47), (3, 64, 64), (2, 128, 65)])
def test_one_energy_per_sample_for_any_size_and_channels(shape):
    n, h, w = shape
    critic = EnergyCritic(4, image_size=32, t_channels=1, s_channels=4)
    assert critic(torch.rand(n, 1, h, w), torch.rand(n, 4, h, w)).shape == (n,)


def test_samples_do_not_influence_each_other():
    critic = EnergyCritic(4, image_size=32).eval()
    t, s = torch.rand(2, 3, 3, 32, 32)
    torch.testing.assert_close(critic(t, s)[1:2], critic(t[1:2], s[1:2]))


def test_energy_depends_on_both_slots_and_on_their_order():
    critic = EnergyCritic(4, image_size=32).eval()
    t, s = torch.rand(2, 1, 3, 32, 32)
    energies = torch.cat([critic(t, s), critic(s, t), critic(t, t), critic(s, s)])
    assert energies.unique().numel() == 4


def test_residual_branches_start_at_zero():
    critic = EnergyCritic(4, image_size=32)
    for block in critic.blocks:
        assert block.conv2.weight.abs().max() < 1e-8
        assert block.conv2.weight.abs().max() > 0


def test_spectral_norm_is_that_of_the_matrix():
    weight = torch.randn(6, 20)
    norm = SpectralNorm(weight)
    for _ in range(500):
        normalised = norm(weight)
    torch.testing.assert_close(torch.linalg.matrix_norm(normalised, 2), torch.tensor(1.0))


@pytest.mark.parametrize(('scale', 'expected'), [(1e-10, 1e-10), (0.5, 0.5), (3.0, 1.0)])
def test_upper_bound_shrinks_but_never_amplifies(scale, expected):
    weight = scale * torch.linalg.qr(torch.randn(8, 8)).Q
    normalised = SpectralNorm(weight, upper_bound_only=True)(weight)
    torch.testing.assert_close(torch.linalg.matrix_norm(normalised, 2), torch.tensor(expected))


def test_sigma_is_a_constant_in_the_backward_pass():
    weight = torch.randn(5, 7, requires_grad=True)
    norm = SpectralNorm(weight).eval()
    sigma = (weight / norm(weight)).mean().detach()
    (gradient,) = torch.autograd.grad(norm(weight).sum(), weight)
    torch.testing.assert_close(gradient, torch.full_like(weight, 1 / sigma))


def test_power_iteration_runs_in_training_only_and_never_looks_at_data():
    critic = EnergyCritic(4, image_size=32)
    buffers = [b.clone() for b in critic.buffers()]
    critic.eval()(*torch.rand(2, 1, 3, 32, 32))
    assert all(map(torch.equal, buffers, critic.buffers()))
    with torch.no_grad():
        critic.stem.parametrizations.weight.original.normal_()
    twin = EnergyCritic(4, image_size=32)
    twin.load_state_dict(critic.state_dict())
    critic.train()(*torch.rand(2, 1, 3, 32, 32))
    twin.train()(*torch.rand(2, 5, 3, 64, 64))
    assert all(map(torch.equal, critic.buffers(), twin.buffers()))
    assert not all(map(torch.equal, buffers, critic.buffers()))


def test_frozen_equals_the_plain_critic_and_gives_no_weight_gradients():
    critic = EnergyCritic(4, image_size=32).eval()
    t, s = torch.rand(2, 2, 3, 32, 32)
    t.requires_grad_()
    (plain,) = torch.autograd.grad(critic(t, s).sum(), t)
    with frozen(critic):
        energies = critic(t, s)
        assert not any(p.requires_grad for p in critic.parameters())
    energies.sum().backward()
    torch.testing.assert_close(t.grad, plain)
    assert all(p.requires_grad and p.grad is None for p in critic.parameters())


def test_frozen_leaves_frozen_what_was_so_before():
    """A perceptual loss has a backbone that nobody trains."""
    network = nn.Sequential(nn.Linear(2, 2).requires_grad_(False), nn.Linear(2, 2))
    with frozen(network):
        assert not any(p.requires_grad for p in network.parameters())
    assert [p.requires_grad for p in network.parameters()] == [False, False, True, True]


def test_the_estimate_of_the_spectral_norm_is_settled_from_the_start():
    """Before any step in training: a single iteration is not enough for these singular values."""
    left, right = (torch.linalg.qr(torch.randn(8, 8))[0] for _ in range(2))
    weight = left @ torch.diag(torch.tensor([1.0] + [0.8] * 7)) @ right
    norm = SpectralNorm(3 * weight).eval()
    torch.testing.assert_close(norm(3 * weight), weight, rtol=1e-3, atol=1e-3)


def test_frozen_normalises_once_and_is_undone_by_an_error():
    critic = EnergyCritic(4, image_size=32)
    with pytest.raises(RuntimeError, match='boom'), frozen(critic):
        critic(*torch.rand(2, 1, 3, 32, 32))
        buffers = [b.clone() for b in critic.buffers()]
        critic(*torch.rand(2, 1, 3, 32, 32))
        assert all(map(torch.equal, buffers, critic.buffers()))
        raise RuntimeError('boom')
    assert all(p.requires_grad for p in critic.parameters())


@pytest.mark.parametrize(
    ('t', 's', 'message'),
    [
        ((2, 3, 32, 32), (1, 3, 32, 32), 'no pairs'),
        ((1, 3, 32, 32), (1, 3, 32, 64), 'no pairs'),
        ((1, 1, 32, 32), (1, 3, 32, 32), 'critic.t_channels'),
        ((1, 3, 16, 32), (1, 3, 16, 32), 'critic.image_size=16'),
    ],
)
def test_what_does_not_fit_is_named(t, s, message):
    with pytest.raises(ValueError, match=message):
        EnergyCritic(2, image_size=32)(torch.rand(t), torch.rand(s))


def test_too_small_an_image_size_is_named():
    with pytest.raises(ValueError, match='image_size=2'):
        EnergyCritic(image_size=2)


def plain_energy(critic: EnergyCritic, t: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
    """E(t, s) layer by layer as the paper describes it, from the critic's 3 x 3 weights."""

    def normalised(layer):
        norm = layer.parametrizations.weight[0]
        weight = layer.parametrizations.weight.original
        sigma = torch.dot(norm.u, weight.detach().flatten(1) @ norm.v)
        return weight / (sigma.clamp(min=1) if norm.upper_bound_only else sigma)

    def conv(layer, x):
        return F.conv2d(x, normalised(layer), layer.bias, padding=1)

    pair = torch.cat([F.avg_pool2d(image, 3, stride=2, padding=1) for image in (t, s)], dim=1)
    x = F.leaky_relu(conv(critic.stem, pair))
    for block in critic.blocks:
        shortcut = x if isinstance(block.shortcut, nn.AvgPool2d) else conv(block.shortcut, x)
        x = F.leaky_relu(F.avg_pool2d(shortcut + conv(block.conv2, F.leaky_relu(conv(block.conv1, x))), 2))
    return F.linear(F.relu(x).mean(dim=(2, 3)), normalised(critic.head), critic.head.bias).squeeze(1)


@pytest.mark.parametrize('dtype, tolerance', [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize('size', [(64, 64), (71, 97), (32, 50)])
def test_what_is_computed_in_fewer_steps_is_the_same(size, dtype, tolerance):
    """Energies and all gradients of the pooled kernels and the shared half of s, against layer by layer."""
    torch.manual_seed(0)
    critic = EnergyCritic(base_channels=4, image_size=size).to(dtype).eval()
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))  # conv2 starts at zero, the biases too
    t, s = (torch.rand(3, 3, *size, dtype=dtype).mul(2).sub(1).requires_grad_() for _ in range(2))
    inputs = [t, s, *critic.parameters()]
    fast, plain = critic(t, s), plain_energy(critic, t, s)
    torch.testing.assert_close(fast, plain, rtol=tolerance, atol=tolerance)
    for ours, theirs in zip(
        torch.autograd.grad(fast.sum(), inputs), torch.autograd.grad(plain.sum(), inputs), strict=True
    ):
        assert (ours - theirs).norm() <= tolerance * max(1, theirs.norm())
