"""What holds for every shape, type and batch, on those that hypothesis finds: odd, tiny, grey, with alpha."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mmagic_mikd import EnergyCritic, MIDistillLoss, langevin
from mmagic_mikd.engine.image_range import ImageRange
from mmagic_mikd.objectives.energy.langevin import check_sampler
from mmagic_mikd.objectives.objective import frozen
from mmagic_mikd.teachers.weights import load_network
from mmagic_mikd.utils.errors import ConfigError

FEW = settings(deadline=None, max_examples=20, derandomize=True)
FEWER = settings(FEW, max_examples=8)  # these compute gradients
SIDES = st.integers(8, 19)
CHANNELS = st.sampled_from([1, 2, 3, 4])
TYPES = st.sampled_from([torch.float32, torch.float64, torch.bfloat16])
SEEDS = st.integers(0, 2**31)


def images(seed: int, *shape: int) -> torch.Tensor:
    """In [-1, 1], some of them black or white all over."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(shape, generator=generator) * 2 - 1
    if seed % 5 == 0:
        x[0] = 1 if seed % 2 else -1
    return x


def critic_of(t_channels: int, s_channels: int, seed: int = 0) -> EnergyCritic:
    """In evaluation mode, in which a call leaves no trace."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return EnergyCritic(2, 8, t_channels, s_channels).eval()


# ---- the critic ------------------------------------------------------------------------------


@FEW
@given(st.integers(1, 4), CHANNELS, CHANNELS, SIDES, SIDES, TYPES, SEEDS)
def test_an_energy_for_each_pair_of_any_shape(n, t_channels, s_channels, height, width, dtype, seed):
    critic = critic_of(t_channels, s_channels).to(dtype)
    t = images(seed, n, t_channels, height, width).to(dtype)
    s = images(seed + 1, n, s_channels, height, width).to(dtype)
    energy = critic(t, s)
    assert energy.shape == (n,) and energy.dtype == dtype and energy.isfinite().all()


@FEWER
@given(st.integers(2, 4), SIDES, SIDES, CHANNELS, SEEDS, st.randoms(use_true_random=False))
def test_an_energy_belongs_to_its_pair_alone(n, height, width, channels, seed, random):
    """Whoever else is in the batch, in whatever order; in training too, where only weights are iterated on."""
    critic = critic_of(channels, channels).double()
    t, s = images(seed, 2 * n, channels, height, width).double().chunk(2)
    order = random.sample(range(n), n)
    energy = critic(t, s)
    torch.testing.assert_close(critic(t[order], s[order]), energy[order])
    torch.testing.assert_close(critic(t[:1], s[:1]), energy[:1])
    first, again = copy.deepcopy(critic).train(), copy.deepcopy(critic).train()
    torch.testing.assert_close(first(t, s)[0], again(t[:1], s[:1])[0])


@FEW
@given(st.integers(1, 3), st.integers(1, 7), SIDES)
def test_what_is_too_small_is_refused_before_it_is_computed(n, small, side):
    critic = critic_of(3, 3)
    t = torch.zeros(n, 3, small, side)
    enough = (small + 1) // 2 >= 2 ** len(critic.blocks)
    if enough:
        assert critic(t, t).isfinite().all()
        return
    with pytest.raises(ConfigError, match=r'too small .* set critic\.image_size='):
        critic(t, t)


@FEW
@given(st.one_of(st.floats(), st.none(), st.text(max_size=3), st.booleans(), st.integers(-5, 0)))
def test_a_width_is_a_whole_number_from_one_or_refused(width):
    with pytest.raises(ConfigError, match='base_channels'):
        EnergyCritic(base_channels=width)


# ---- the chain -------------------------------------------------------------------------------


def quadratic(t):
    """Energies whose minimum is at 0."""
    return t.flatten(1).square().sum(1)


@FEW
@given(st.integers(1, 3), CHANNELS, SIDES, SIDES, TYPES, SEEDS, st.floats(0, 1000), st.floats(0, 10))
def test_the_chain_stays_in_its_range_with_its_type(n, channels, height, width, dtype, seed, step, noise):
    start = images(seed, n, channels, height, width).to(dtype)
    before = start.clone()
    made = langevin(quadratic, start, steps=2, step_size=step, noise_std=noise)
    assert made.shape == start.shape and made.dtype == dtype and not made.requires_grad
    assert made.isfinite().all() and made.abs().max() <= 1
    assert torch.equal(start, before)


@FEW
@given(st.integers(1, 3), SIDES, SEEDS, st.integers(0, 3), st.floats(0, 1))
def test_without_a_gradient_the_chain_is_start_plus_noise(n, side, seed, steps, noise_std):
    start = images(seed, n, 1, side, 8)
    made = langevin(
        quadratic, start, steps, 0.0, noise_std, None, generator=torch.Generator().manual_seed(seed)
    )
    expected, generator = start, torch.Generator().manual_seed(seed)
    for _ in range(steps):
        expected = expected + noise_std * torch.randn(start.shape, generator=generator)
    torch.testing.assert_close(made, expected)


@FEWER
@given(st.integers(2, 4), SIDES, SIDES, SEEDS)
def test_each_chain_follows_its_own_energy(n, height, width, seed):
    """Without noise the first sample's chain does not depend on the others."""
    critic = critic_of(3, 3).double()
    s = images(seed, n, 3, height, width).double()
    with frozen(critic):
        together = langevin(lambda t: critic(t, s), s, 3, 100.0, 0.0)
        alone = langevin(lambda t: critic(t, s[:1]), s[:1], 3, 100.0, 0.0)
    torch.testing.assert_close(together[:1], alone)


@FEW
@given(
    st.dictionaries(
        st.sampled_from(['steps', 'step_size', 'noise_std', 'value_range', 'typo']),
        st.one_of(
            st.integers(-3, 20),
            st.floats(),
            st.none(),
            st.text(max_size=2),
            st.tuples(st.floats(), st.floats()),
        ),
    )
)
def test_a_checked_sampler_runs(sampler):
    try:
        check_sampler('sampler', sampler)
    except ConfigError as error:
        assert str(error).startswith('sampler') and '\n' not in str(error)
        return
    made = langevin(quadratic, torch.zeros(1, 1, 2, 2), **sampler)
    assert made.shape == (1, 1, 2, 2)


# ---- the bound -------------------------------------------------------------------------------


@FEWER
@given(st.integers(1, 3), CHANNELS, SIDES, SIDES, SEEDS, st.floats(0, 10))
def test_the_bound_reaches_the_student_only_and_as_its_weight_says(n, channels, height, width, seed, weight):
    critic = critic_of(channels, channels).double()
    t, s, t_neg = images(seed, 3 * n, channels, height, width).double().chunk(3)
    for tensor in (t, s, t_neg):
        tensor.requires_grad_(True)
    with frozen(critic):
        MIDistillLoss(loss_weight=weight)(critic, t, s, t_neg).backward()
        one = torch.autograd.grad(MIDistillLoss(loss_weight=1.0)(critic, t, s, t_neg), s)[0]
    assert t.grad is None and t_neg.grad is None
    assert all(p.grad is None for p in critic.parameters())
    torch.testing.assert_close(s.grad, weight * one)


# ---- images and weights ----------------------------------------------------------------------


class Model(nn.Module):
    """A toolbox's model as far as a pair looks at it."""

    def __init__(self, mean, std):
        super().__init__()
        self.generator = nn.Identity()
        self.data_preprocessor = nn.Module()
        self.data_preprocessor.mean = torch.tensor(mean).view(-1, 1, 1)
        self.data_preprocessor.std = torch.tensor(std).view(-1, 1, 1)


STATISTICS = st.floats(0, 255, width=32), st.floats(1, 255, width=32)


@FEW
@given(st.integers(1, 2), CHANNELS, SIDES, SIDES, SEEDS, *STATISTICS, st.booleans(), st.booleans())
def test_black_and_white_are_one_apart_from_zero_whatever_the_normalisation(
    n, channels, height, width, seed, mean, std, each, clip
):
    values = channels if each else 1
    means, stds = [mean + k for k in range(values)], [std + k for k in range(values)]
    shape = (n, *([3] if clip else []), channels, height, width)
    pixels = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(seed)).float()
    preprocessor = Model(means, stds).data_preprocessor
    images = (pixels - preprocessor.mean) / preprocessor.std
    unit = ImageRange('generator', preprocessor).mapped(images, (-1, 1))
    assert unit.shape == pixels.shape
    torch.testing.assert_close(unit, pixels / 127.5 - 1, atol=1e-3, rtol=0)


@FEW
@given(
    st.sampled_from(['', 'generator.', 'generator_ema.module.', 'generator_ema.']),
    st.integers(1, 3),
    st.booleans(),
)
def test_a_network_finds_its_weights_behind_any_prefix(tmp_path_factory, prefix, width, wrapped):
    source, network = nn.Conv2d(1, width, 3), nn.Conv2d(1, width, 3)
    state = {prefix + key: value for key, value in source.state_dict().items()}
    state |= {'discriminator.weight': torch.zeros(1), 'step': torch.tensor(3)}
    path = tmp_path_factory.mktemp('weights') / 'teacher.pth'
    torch.save(dict(state_dict=state, meta={}) if wrapped else state, path)
    load_network(network, str(path), 'generator')
    assert torch.equal(network.weight, source.weight) and torch.equal(network.bias, source.bias)
    with pytest.raises(ConfigError, match='does not fit the teacher'):
        load_network(nn.Conv2d(1, width + 1, 3), str(path), 'generator')


@FEW
@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=3) | st.just('tensor'),
        lambda inner: (
            st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3) | st.just('state_dict'), inner)
        ),
        max_leaves=4,
    )
)
def test_whatever_a_file_holds_it_is_a_sentence(tmp_path_factory, content):
    path = tmp_path_factory.mktemp('weights') / 'teacher.pth'
    torch.save(torch.ones(np.random.default_rng(0).integers(1, 3)) if content == 'tensor' else content, path)
    with pytest.raises(ConfigError) as caught:
        load_network(nn.Conv2d(1, 1, 3), str(path), 'generator')
    assert str(path) in str(caught.value) and '\n' not in str(caught.value)
