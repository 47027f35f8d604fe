"""Parameters, multiply-accumulates and milliseconds against published numbers and hand formulas."""

import time

import pytest
import torch
from mmengine.analysis import get_model_complexity_info
from mmengine.registry import MODELS, DefaultScope
from torch import nn
from torchvision.ops import deform_conv2d

import mmagic_mikd  # noqa: F401  repairs the host toolbox
from mmagic_mikd.cost.complexity import complexity, latency
from mmagic_mikd.cost.training_macs import TrainingMacs, cpu_name


def image(*shape):
    """An input without values: counting needs shapes only."""
    return torch.empty(*shape, device='meta')


def build(**cfg) -> nn.Module:
    from mmagic.utils import register_all_modules

    register_all_modules()
    with DefaultScope.overwrite_default_scope('mmagic'):
        return MODELS.build(cfg).to('meta')


@pytest.mark.parametrize(
    ('cfg', 'params', 'paper', 'true'),
    [
        (dict(type='UnetGenerator', num_down=8, base_channels=64), 54.41e6, 18.14e9, 6.05e9),
        (dict(type='UnetGenerator', num_down=8, base_channels=16), 3.404e6, 1.219e9, 0.406e9),
        (dict(type='ResnetGenerator', base_channels=64, num_blocks=9), 11.38e6, 56.80e9, 49.55e9),
    ],
)
def test_published_numbers_of_the_translation_generators(cfg, params, paper, true):
    cost = complexity(build(in_channels=3, out_channels=3, **cfg), image(1, 3, 256, 256))
    assert cost.params == pytest.approx(params, rel=1e-3)
    assert cost.macs_paper == pytest.approx(paper, rel=1e-3)
    assert cost.macs == pytest.approx(true, rel=2e-3)


def test_published_number_of_stylegan2():
    """45.1 G and 30.0 M at 256 px in the papers: the true count, without the fixed blurs."""
    network = build(type='StyleGANv2Generator', out_size=256, style_channels=512)
    cost = complexity(network, image(1, 512))
    assert cost.params == pytest.approx(30.0e6, rel=2e-3)
    assert cost.macs == pytest.approx(45.1e9, rel=1e-3)


def test_stylegan2_by_hand():
    """Modulated convolutions are functional: grouped by sample, upsampling ones transposed."""
    style, width = 16, 512  # 512 channels up to 32 px
    network = build(type='StyleGANv2Generator', out_size=16, style_channels=style)
    mapping = 8 * style * style
    modulated = 9 * width * width
    affine = style * width  # per modulated layer
    macs = paper = mapping + affine + 16 * modulated + affine + 16 * 3 * width
    for size in (8, 16):
        fixed = affine * 3 + size**2 * (modulated + 3 * width)  # second convolution and to RGB
        macs += fixed + (size // 2) ** 2 * modulated
        # a transposed convolution of stride two gives a border more, which the blur takes away
        paper += fixed + (size + 1) ** 2 * modulated
    for batch in (1, 3):
        cost = complexity(network, image(batch, style))
        assert cost.macs == pytest.approx(macs, rel=1e-6)
        assert cost.macs_paper == pytest.approx(paper, rel=1e-6)


def test_edsr_by_hand():
    c, blocks, side = 64, 16, 24
    network = build(
        type='EDSRNet',
        in_channels=3,
        out_channels=3,
        mid_channels=c,
        num_blocks=blocks,
        upscale_factor=4,
    )
    trunk = 9 * (3 * c + (2 * blocks + 1) * c * c) * side**2
    upsampling = 9 * c * 4 * c * (side**2 + (2 * side) ** 2)  # pixel shuffle: four times the channels
    last = 9 * c * 3 * (4 * side) ** 2
    mean_shifts = 9 * (side**2 + (4 * side) ** 2)  # 1x1 convolutions of three channels
    cost = complexity(network, image(1, 3, side, side))
    assert cost.macs == pytest.approx(trunk + upsampling + last + mean_shifts, rel=1e-3)
    assert cost.macs_paper == cost.macs  # nothing is transposed


@pytest.mark.parametrize(
    ('layer', 'macs', 'paper'),
    [
        (nn.Conv2d(4, 6, 3, padding=1), 9 * 4 * 6 * 64, 9 * 4 * 6 * 64),
        (nn.Conv2d(4, 6, 3, stride=2, padding=1), 9 * 4 * 6 * 16, 9 * 4 * 6 * 16),
        (nn.Conv2d(4, 6, 3, padding=1, groups=2), 9 * 2 * 6 * 64, 9 * 2 * 6 * 64),
        (nn.Conv2d(4, 4, 3, padding=1, groups=4), 9 * 4 * 64, 9 * 4 * 64),
        (nn.ConvTranspose2d(4, 6, 4, stride=2, padding=1), 16 * 4 * 6 * 64, 16 * 4 * 6 * 256),
        (nn.ConvTranspose2d(4, 4, 4, 2, 1, groups=4), 16 * 4 * 64, 16 * 4 * 256),
        (nn.Linear(8, 5), 8 * 5 * 32, 8 * 5 * 32),
        (nn.BatchNorm2d(4), 0, 0),
    ],
)
@pytest.mark.parametrize('batch', [1, 3])
def test_layers_by_hand(layer, macs, paper, batch):
    """Inputs of 4 channels and 8x8 pixels, on this device and in numbers."""
    cost = complexity(layer, torch.rand(batch, 4, 8, 8))
    assert (cost.macs, cost.macs_paper) == (macs, paper)


class Functional(nn.Module):
    """A convolution, an attention and a fixed blur without modules of their own."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(5, 4, 3, 3))
        self.blur = Blur()

    def forward(self, x):
        x = self.blur(nn.functional.conv2d(x, self.weight, padding=1)).flatten(2)
        return torch.softmax(x.transpose(1, 2) @ x, dim=-1) @ x.transpose(1, 2)


class Blur(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer('kernel', torch.ones(5, 1, 3, 3) / 9)

    def forward(self, x):
        return nn.functional.conv2d(x, self.kernel, padding=1, groups=5)


def test_functional_operations_count_and_fixed_filters_do_not():
    cost = complexity(Functional(), torch.rand(2, 4, 8, 8))
    assert cost.params == 5 * 4 * 9
    assert cost.macs == 9 * 4 * 5 * 64 + 2 * 64 * 64 * 5


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(16, 48)

    def forward(self, x):
        q, k, v = (each[:, None] for each in self.layer(x).chunk(3, -1))
        return nn.functional.scaled_dot_product_attention(q, k, v)


class SelfAttention(nn.MultiheadAttention):
    def forward(self, x):
        return super().forward(x, x, x, need_weights=False)[0]


class Deformable(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(5, 4, 3, 3))

    def forward(self, x):
        offset = torch.zeros(len(x), 18, 4, 4)
        return deform_conv2d(x, offset, self.weight, stride=2, padding=1)


TOKENS = 64 * 16 * (48 + 16) + 2 * 64 * 64 * 16  # of 16 channels: projections, and all with all


@pytest.mark.parametrize(
    ('network', 'shape', 'macs'),
    [
        (Attention(), (64, 16), 64 * 16 * 48 + 2 * 64 * 64 * 16),
        (SelfAttention(16, 2, batch_first=True), (64, 16), TOKENS),
        (nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), (64, 16), TOKENS + 2 * 64 * 16 * 32),
        (nn.LSTM(8, 6, num_layers=2, batch_first=True), (10, 8), 10 * 24 * (8 + 6 + 6 + 6)),
        (nn.GRU(8, 6, batch_first=True, bidirectional=True), (10, 8), 2 * 10 * 18 * (8 + 6)),
        (Deformable(), (4, 8, 8), 9 * 4 * 5 * 16),
    ],
)
@pytest.mark.parametrize('batch', [1, 3])
def test_fused_operations_are_counted_as_what_they_fuse(network, shape, macs, batch):
    cost = complexity(network, torch.rand(batch, *shape))
    assert cost.macs == cost.macs_paper == macs


@pytest.mark.parametrize(
    ('network', 'shape', 'fused', 'passes'),
    [
        (
            Attention(),
            (64, 16),
            2 * 64 * 64 * 16,
            3.5,
        ),  # the backward pass makes the weights of attention anew
        (nn.LSTM(8, 6, batch_first=True), (10, 8), 10 * 24 * (8 + 6), 3),
        (Deformable(), (4, 8, 8), 9 * 4 * 5 * 16, 3),
    ],
)
def test_their_backward_passes_are_counted(network, shape, fused, passes):
    layer = 64 * 16 * 48 if isinstance(network, Attention) else 0
    with TrainingMacs() as counter:
        out = network(torch.rand(2, *shape, requires_grad=True))
        (out[0] if isinstance(out, tuple) else out).sum().backward()
    assert counter.macs == 2 * (3 * layer + passes * fused)


def test_mmengine_agrees_where_it_counts_the_same():
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.ConvTranspose2d(8, 3, 4, 2, bias=False))
    theirs = get_model_complexity_info(network, input_shape=(3, 16, 16), show_table=False)
    ours = complexity(network, torch.rand(1, 3, 16, 16))
    assert ours.params == theirs['params']
    assert ours.macs == theirs['flops']


class Noisy(nn.Module):
    """Draws in its forward pass, like StyleGAN2, and notes how it was called."""

    def __init__(self, seconds=()):
        super().__init__()
        self.layer = nn.Sequential(nn.Linear(4, 4), nn.Dropout())
        self.layer[0].eval()
        self.calls, self.seconds = [], list(seconds)

    def forward(self, x):
        self.calls.append((self.training, torch.is_grad_enabled()))
        if self.seconds:
            time.sleep(self.seconds.pop(0))
        return self.layer(x) + torch.randn_like(x)


@pytest.mark.parametrize('measure', [complexity, latency])
def test_measuring_leaves_no_trace(measure):
    network, x = Noisy(), torch.rand(2, 4)
    state = torch.get_rng_state()
    measure(network, x)
    assert torch.equal(torch.get_rng_state(), state)
    assert set(network.calls) == {(False, False)}
    modes = [module.training for module in network.modules()]
    assert modes == [True, True, False, True]
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())


def test_a_failing_network_is_restored_too():
    network = nn.Sequential(nn.ReLU(), nn.Linear(4, 4))
    with pytest.raises(RuntimeError):
        complexity(network, torch.rand(1, 3))
    assert network.training
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())


def test_latency_is_the_median_of_warm_calls_per_image():
    """Three slow first calls and one slow call later do not count; two images share a call."""
    network = Noisy([0.1] * 3 + [0.02, 0.2, 0.02, 0.02, 0.02])
    milliseconds = latency(network, torch.rand(2, 4), repeats=5)
    assert len(network.calls) == 8
    assert 10 <= milliseconds < 40


def test_processors_of_one_name_and_other_instructions_are_two_kinds(monkeypatch):
    """Weights of one seed, trained on two kinds of "AMD EPYC", had Frechet distances of 8.8 and 10.5."""
    names = []
    for instructions in ('AVX2', 'AVX512'):
        monkeypatch.setattr(torch.backends.cpu, 'get_cpu_capability', lambda kind=instructions: kind)
        names.append(cpu_name())
    assert names[0] != names[1] and names[0].endswith(', AVX2')


class OfVectors(nn.Module):
    """Products of each sample alone, which has one dimension."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([self.layer(row).dot(row[:5]) + (self.layer.weight @ row).sum() for row in x])


@pytest.mark.parametrize('batch', [1, 3])
def test_products_of_single_vectors_are_counted(batch):
    assert complexity(OfVectors(), torch.rand(batch, 8)).macs == 8 * 5 + 5 + 8 * 5
