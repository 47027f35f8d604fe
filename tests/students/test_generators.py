"""The generators to compress into: published sizes, hand formulas, and places where MMagic's own fit."""

import pytest
import torch
from mmengine.registry import MODELS, DefaultScope
from torch import nn

import mmagic_mikd  # noqa: F401  registers the generators
from mmagic_mikd.cost.complexity import complexity


@pytest.fixture(scope='module', autouse=True)
def mmagic():
    from mmagic.utils import register_all_modules

    register_all_modules()
    with DefaultScope.overwrite_default_scope('mmagic'):
        yield


def mobile(base_channels: int, **kwargs) -> nn.Module:
    cfg = dict(type='MobileResnetGenerator', in_channels=3, out_channels=3, base_channels=base_channels)
    return MODELS.build({**cfg, **kwargs})


def stylegan2(width: int, **kwargs) -> nn.Module:
    cfg = dict(type='NarrowStyleGAN2Generator', out_size=32, style_channels=16, width=width)
    return MODELS.build({**cfg, **kwargs})


def test_the_published_student_of_cyclegan():
    """OMGD, horse2zebra: 0.137 M parameters, 1.408 G multiply-accumulates with the papers' count."""
    cost = complexity(mobile(16).to('meta'), torch.empty(1, 3, 256, 256, device='meta'))
    assert cost.params == pytest.approx(0.137e6, rel=3e-3)
    assert cost.macs_paper == pytest.approx(1.408e9, rel=1e-3)


@pytest.mark.parametrize('c', [8, 64])
def test_mobile_resnet_by_hand(c):
    """Weights of each layer times the pixels of its output; biases; upsampling at input resolution if true."""
    ends, halves, quarters = 2 * 3 * c * 49, 2 * c * c * 9, 8 * c * c * 9
    blocks = 9 * 2 * (4 * c * 9 + 4 * c * 4 * c)
    biases = c + 2 * c + 4 * c + 9 * 2 * (4 * c + 4 * c) + 2 * c + c + 3
    full, half, quarter = 64 * 64, 32 * 32, 16 * 16
    cost = complexity(mobile(c), torch.zeros(1, 3, 64, 64))
    assert cost.params == ends + 2 * (halves + quarters) + blocks + biases
    down = halves * half + quarters * quarter
    assert cost.macs == ends * full + down + blocks * quarter + quarters * quarter + halves * half
    assert cost.macs_paper == ends * full + down + blocks * quarter + quarters * half + halves * full


def test_mobile_resnet_takes_the_arguments_of_resnet_generator_and_gives_its_images():
    arguments = dict(in_channels=2, out_channels=1, base_channels=4, num_blocks=1, use_dropout=True)
    arguments.update(norm_cfg=dict(type='BN'), padding_mode='zeros', init_cfg=dict(type='normal', gain=0.1))
    x = torch.rand(2, 2, 16, 24)
    ours = MODELS.build(dict(type='MobileResnetGenerator', **arguments))
    theirs = MODELS.build(dict(type='ResnetGenerator', **arguments))
    assert ours(x).shape == theirs(x).shape == (2, 1, 16, 24)
    assert ours(100 * x).abs().max() <= 1
    assert any(isinstance(module, nn.BatchNorm2d) for module in ours.modules())
    assert any(isinstance(module, nn.Dropout) for module in ours.modules())


def test_mobile_resnet_starts_with_the_weights_of_the_toolbox():
    network = mobile(16, init_cfg=dict(type='normal', gain=0.5))
    network.init_weights()
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            assert module.weight.std().item() == pytest.approx(0.5, rel=0.2)
            assert not module.bias.any()


def test_mobile_resnet_loads_weights_of_its_own(tmp_path):
    source, path = mobile(4, num_blocks=1), tmp_path / 'weights.pth'
    torch.save(dict(state_dict=source.state_dict()), path)
    network = mobile(4, num_blocks=1, init_cfg=dict(type='Pretrained', checkpoint=str(path)))
    network.init_weights()
    assert all(map(torch.equal, network.parameters(), source.parameters()))


def test_unknown_padding_is_refused():
    with pytest.raises(ValueError, match=r"padding_mode='circular'.*reflect, replicate, zeros"):
        mobile(4, padding_mode='circular')


@pytest.mark.parametrize(('width', 'params', 'macs'), [(154, 5.6e6, 4.1e9), (512, 30.0e6, 45.1e9)])
def test_the_published_sizes_of_stylegan2(width, params, macs):
    network = stylegan2(width, out_size=256, style_channels=512).to('meta')
    cost = complexity(network, torch.empty(1, 512, device='meta'))
    assert cost.params == pytest.approx(params, rel=0.01)
    assert cost.macs == pytest.approx(macs, rel=0.01)


def test_every_layer_of_stylegan2_is_cut_by_the_same_share():
    network = stylegan2(154, out_size=256)
    assert network.channels == {
        **dict.fromkeys((4, 8, 16, 32, 64), 154),
        **{128: 77, 256: 39, 512: 20, 1024: 10},
    }
    full = MODELS.build(dict(type='StyleGANv2Generator', out_size=256, style_channels=16))
    ratios = [
        narrow.shape[2] / wide.shape[2]  # input channels
        for (name, narrow), wide in zip(network.named_parameters(), full.parameters(), strict=True)
        if name.endswith('.conv.weight_orig')
    ]
    assert len(ratios) == 20
    assert all(0.3 <= ratio < 0.31 for ratio in ratios)


def test_stylegan2_of_full_width_is_that_of_mmagic():
    wide = MODELS.build(dict(type='StyleGANv2Generator', out_size=32, style_channels=16))
    same = stylegan2(512)
    same.load_state_dict(wide.state_dict())
    same.eval(), wide.eval()
    z = torch.randn(2, 16)
    noise = wide.make_injected_noise()
    with torch.no_grad():
        assert torch.equal(same(z, injected_noise=noise), wide(z, injected_noise=noise))


@pytest.mark.parametrize('width', [0, 513])
def test_impossible_widths_of_stylegan2_are_refused(width):
    with pytest.raises(ValueError, match=f'width={width}, choose 1 to 512'):
        stylegan2(width)
