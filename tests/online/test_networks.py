"""OMGD's networks against their published sizes, and against a count by hand."""

import pytest
import torch
from families import ROOT
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from mmagic_mikd.cost.complexity import complexity
from mmagic_mikd.online.bottleneck import Bottleneck
from mmagic_mikd.utils.errors import ConfigError

SIDE = 256
IMAGES = dict(in_channels=3, out_channels=3)
# parameters and, as papers count, multiply-accumulates; of the deep ones without the border that the first
# padding of a bottleneck adds
PUBLISHED = {
    ('UnetGenerator', 64): (54_413_955, 18.14e9),
    ('UnetGenerator', 16): (3_404_451, 1.219e9),
    ('UnetGenerator', 12): (1_915_899, 0.707e9),
    ('UnetGenerator', 8): (852_307, 0.333e9),
    ('DeepUnetGenerator', 16): (44_171_939, 18.29e9),
    ('DeepUnetGenerator', 12): (24_856_251, 10.31e9),
    ('MobileResnetGenerator', 64): (1_987_075, 18.31e9),
    ('MobileResnetGenerator', 48): (1_130_883, 10.56e9),
    ('MobileResnetGenerator', 16): (137_347, 1.408e9),
    ('DeepMobileResnetGenerator', 16): (2_547_123, 18.22e9),
    ('DeepMobileResnetGenerator', 12): (1_436_583, 10.31e9),
}


@pytest.fixture(scope='module', autouse=True)
def mmagic():
    from mmagic.utils import register_all_modules

    register_all_modules()
    with DefaultScope.overwrite_default_scope('mmagic'):
        yield


def build(kind: str, width: int, **settings) -> nn.Module:
    return MODELS.build(dict(IMAGES, type=kind, base_channels=width, **settings))


@pytest.mark.parametrize(('kind', 'width'), PUBLISHED)
def test_sizes_are_the_published_ones(kind, width):
    with torch.device('meta'):
        network, image = build(kind, width), torch.empty(1, 3, SIDE, SIDE)
    border = []

    def count(bottleneck: Bottleneck, args: tuple) -> None:
        (c, height, side) = args[0].shape[1:]
        border.append(4 * c * c * ((height + 2) * (side + 2) - height * side))

    for module in network.modules():
        if isinstance(module, Bottleneck):
            module.register_forward_pre_hook(count)
    cost = complexity(network, image)
    params, macs = PUBLISHED[kind, width]
    assert cost.params == params
    assert cost.macs_paper - sum(border) == pytest.approx(macs, rel=5e-4)


@pytest.mark.parametrize('kind', ['DeepUnetGenerator', 'DeepMobileResnetGenerator'])
def test_deep_networks_make_images_and_are_initialised_as_the_toolbox_does(kind):
    network = build(kind, 2, **(dict(num_down=5) if 'Unet' in kind else dict(num_blocks=3)))
    network.init_weights()
    convs = [m.weight.flatten() for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert torch.cat(convs).std().item() == pytest.approx(0.02, rel=0.05)
    image = torch.rand(2, 3, 32, 32)
    made = network(image)
    assert made.shape == image.shape and made.abs().max() <= 1
    made.sum().backward()
    assert all(p.grad is not None for p in network.parameters())


def test_bottlenecks_stand_where_the_paper_has_them():
    """Two after each convolution but the innermost block's; on the way up of the outermost before it."""
    network = build('DeepUnetGenerator', 16)
    block, found = network.model, []
    while block is not None:
        names = ['B' if isinstance(part, Bottleneck) else type(part).__name__[0] for part in block.model]
        found.append(''.join(names))
        block = next((part for part in block.model if type(part) is type(network.model)), None)
    assert found == ['CBBUBBCT', *['CBBUCBB'] * 6, 'CC']
    widths = [m.branch[-1].num_features for m in network.modules() if isinstance(m, Bottleneck)]
    assert sorted(widths) == sorted(
        [*[16, 16, 32, 32], *[32, 32, 16, 16], *[64, 64, 32, 32], *[128, 128, 64, 64]] + [128] * 12
    )
    kinds = [type(part).__name__ for part in build('DeepMobileResnetGenerator', 2).model]
    assert kinds.count('_Residual') == 9 and kinds.count('Bottleneck') == 6
    assert kinds[kinds.index('_Residual') :][4:6] == ['Bottleneck', 'Bottleneck']


def discriminator(shared: int) -> nn.Module:
    return MODELS.build(
        dict(
            type='SharedPatchDiscriminator',
            in_channels=6,
            base_channels=128,
            heads=['wide', 'deep'],
            shared=shared,
        )
    )


def test_the_shared_discriminator():
    whole, layers = discriminator(5), [12_416, 524_800, 2_098_176, 8_390_656, 16_385]
    assert sum(p.numel() for p in whole.parameters()) == sum(layers) == 11_042_433
    for shared in (3, 4):
        own = sum(layers[shared:])
        assert sum(p.numel() for p in discriminator(shared).parameters()) == sum(layers) + own
    pair = torch.rand(1, 6, 32, 32)
    assert torch.equal(whole.eval()(pair, 'wide'), whole(pair, 'deep'))
    apart = discriminator(4).eval()
    assert not torch.equal(apart(pair, 'wide'), apart(pair, 'deep'))
    with pytest.raises(ConfigError, match='shared=6 must be a whole number of at least 0 and at most 5'):
        discriminator(6)


@pytest.mark.parametrize(('network', 'expected'), [('unet', 352_000), ('resnet', 67_584)])
def test_connectors_have_the_published_sizes(network, expected):
    """From a student of 16 channels to a teacher of 64: as the configs have them."""
    kind = dict(unet='UnetGenerator', resnet='MobileResnetGenerator')[network]
    total = 0
    with torch.device('meta'):
        student, teacher = (build(kind, width) for width in (16, 64))
        for cfg in Config.fromfile(ROOT / 'configs' / '_base_' / 'omgd.py').omgd[network].channels.values():
            s, t = (seen(net, cfg.layer) for net in (student, teacher))
            assert s.shape[2:] == t.shape[2:] and 4 * s.shape[1] == t.shape[1]
            connector = MODELS.build(dict(cfg.adapter, in_channels=s.shape[1], out_channels=t.shape[1]))
            assert connector(s).shape == t.shape
            total += sum(p.numel() for p in connector.parameters())
    assert total == expected


def seen(network: nn.Module, layer: str) -> torch.Tensor:
    found = []
    handle = network.get_submodule(layer).register_forward_hook(lambda *call: found.append(call[-1]))
    network(torch.empty(1, 3, SIDE, SIDE, device='meta'))
    handle.remove()
    return found[0]


@pytest.mark.parametrize(
    ('network', 'expected'),
    [('unet', [(32, 64), (128, 16), (256, 16), (64, 64)]), ('resnet', [(64, 64)] * 4)],
)
def test_layers_are_the_published_ones(network, expected):
    """Channels and side at 256 px: after the activations, so none is negative but on a U-Net's way down."""
    kind = dict(unet='UnetGenerator', resnet='MobileResnetGenerator')[network]
    cfgs = Config.fromfile(ROOT / 'configs' / '_base_' / 'omgd.py').omgd[network].channels.values()
    with torch.device('meta'):
        student = build(kind, 16)
        maps = [seen(student, cfg.layer) for cfg in cfgs]
    assert [tuple(made.shape[1:3]) for made in maps] == expected
