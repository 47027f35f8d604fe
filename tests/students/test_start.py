"""A student that starts as a part of its teacher is that part, and nothing else."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from mmagic_mikd.online.deep_unet import DeepUnetGenerator
from mmagic_mikd.students.channel_groups import PARTS
from mmagic_mikd.students.start import StudentStart
from mmagic_mikd.utils.errors import ConfigError

NETWORKS = {
    'EDSR': (
        dict(type='EDSRNet', in_channels=3, out_channels=3, num_blocks=2, upscale_factor=4),
        dict(mid_channels=16),
        dict(mid_channels=4),
    ),
    'SRResNet': (
        dict(type='MSRResNet', in_channels=3, out_channels=3, num_blocks=2, upscale_factor=4),
        dict(mid_channels=16),
        dict(mid_channels=4),
    ),
    'MobileResNet': (
        dict(type='MobileResnetGenerator', in_channels=3, out_channels=3, num_blocks=2),
        dict(base_channels=8),
        dict(base_channels=2),
    ),
    'ResNet': (
        dict(type='ResnetGenerator', in_channels=3, out_channels=3, num_blocks=2, norm_cfg=dict(type='BN')),
        dict(base_channels=8),
        dict(base_channels=2),
    ),
    'U-Net': (
        dict(type='UnetGenerator', in_channels=3, out_channels=3, num_down=5, norm_cfg=dict(type='BN')),
        dict(base_channels=8),
        dict(base_channels=2),
    ),
    'deep U-Net': (
        dict(type='DeepUnetGenerator', in_channels=3, out_channels=3, num_down=5, norm_cfg=dict(type='BN')),
        dict(base_channels=8),
        dict(base_channels=2),
    ),
    'RDN': (
        dict(type='RDNNet', in_channels=3, out_channels=3),
        dict(mid_channels=8, channel_growth=6, num_blocks=3, num_layers=3),
        dict(mid_channels=2, channel_growth=3, num_blocks=3, num_layers=3),
    ),
    'ESRGAN': (
        dict(type='RRDBNet', in_channels=3, out_channels=3, num_blocks=1),
        dict(mid_channels=8, growth_channels=6),
        dict(mid_channels=2, growth_channels=3),
    ),
    'NAFNet': (
        dict(type='NAFNet', enc_blk_nums=[1], middle_blk_num=1, dec_blk_nums=[1]),
        dict(mid_channels=8),
        dict(mid_channels=2),
    ),
}


def naf_blocks(network: nn.Module) -> list[nn.Module]:
    return [module for module in network.modules() if type(module).__name__ == 'NAFBlock']


def silence(teacher: nn.Module, student: nn.Module) -> None:
    """Every channel of the teacher's that its student does not have gives zeros from now on."""
    narrow = student.state_dict()
    # their output is two features, to be multiplied, or as they are read
    double = [conv for b in naf_blocks(teacher) for conv in (b.conv1, b.conv2, b.conv4)]
    if isinstance(teacher, DeepUnetGenerator):
        double += [layer for b in list(teacher.model.model)[4:6] for layer in b.branch[-2:]]
    for name, module in teacher.named_modules():
        for part, weight in module.named_parameters(recurse=False):
            output = int(isinstance(module, nn.ConvTranspose2d) and part == 'weight')
            features = 2 if module in double else 1
            kept = narrow[f'{name}.{part}'].shape[output] // features
            for feature in weight.data.chunk(features, output):
                feature.narrow(output, kept, feature.shape[output] - kept).zero_()


def networks(name: str) -> SimpleNamespace:
    """A pair of a teacher, whose weights are all noise, and its student."""
    shared, *sizes = NETWORKS[name]
    with DefaultScope.overwrite_default_scope('mmagic'):
        teacher, student = (MODELS.build(shared | size).eval() for size in sizes)
    for parameter in teacher.parameters():
        parameter.data.normal_(std=0.1)
    for network in (teacher, student):
        for block in naf_blocks(network):  # a mean over all channels is not that of a part of them
            block.norm1 = block.norm2 = nn.Identity()
    return SimpleNamespace(student=student, teacher=teacher, path='generator', output=None)


def inherit(layers: dict[str, str], pair: SimpleNamespace) -> None:
    StudentStart(layers, [pair], OptimWrapper(torch.optim.SGD(pair.student.parameters(), lr=1)))


@pytest.mark.parametrize('name', NETWORKS)
def test_a_sliced_student_is_its_teacher_without_the_other_channels(name):
    pair = networks(name)
    silence(pair.teacher, pair.student)
    image = torch.rand(2, 3, 32, 32)
    assert not torch.allclose(pair.student(image), pair.teacher(image))
    inherit({'': 'sliced'}, pair)
    torch.testing.assert_close(pair.student(image), pair.teacher(image))


def test_the_decoder_of_a_u_net_alone_gets_channels_of_both_features():
    pair = networks('U-Net')
    inherit({'model.model.2': 'sliced'}, pair)
    whole, part = (network.model.model[2].conv.weight for network in (pair.teacher, pair.student))
    assert torch.equal(part, torch.cat([whole[:2], whole[8:10]]))


def test_a_student_of_fewer_blocks_and_layers_gets_the_first_ones():
    pair = networks('RDN')
    with DefaultScope.overwrite_default_scope('mmagic'):
        sizes = dict(mid_channels=4, channel_growth=2, num_blocks=2, num_layers=1)
        pair.student = MODELS.build(NETWORKS['RDN'][0] | sizes)
    inherit({'': 'sliced'}, pair)
    whole, part = (network.gff[0].weight for network in (pair.teacher, pair.student))
    assert torch.equal(part, torch.cat([whole[:4, :4], whole[:4, 8:12]], 1))
    whole, part = (network.rdbs[1].lff.weight for network in (pair.teacher, pair.student))
    assert torch.equal(part, torch.cat([whole[:4, :4], whole[:4, 8:10]], 1))


# ---- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize('name', NETWORKS)
def test_a_student_that_is_wider_than_its_teacher_is_refused(name):
    """Where a layer reads several features, too; else a RuntimeError of the slicing."""
    pair = networks(name)
    pair.student, pair.teacher = pair.teacher, pair.student
    with pytest.raises(ConfigError, match=r"^start: the student 'generator' cannot take it from its teacher"):
        inherit({'': 'sliced'}, pair)


class Net(nn.Module):
    """A layer between two convolutions."""

    def __init__(self, middle: nn.Module, width: int) -> None:
        super().__init__()
        self.head, self.body, self.tail = nn.Conv2d(3, width, 3), middle, nn.Conv2d(width, 3, 3)


class Joins(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2 * c, c, 1)

    def forward(self, x):
        return self.conv(torch.cat([x, x], 1))


class Stacks(Joins):
    def forward(self, x):
        return self.conv(torch.hstack([x, x]))


class Helped(Joins):
    def both(self, x):
        return torch.cat([x, x], 1)

    def forward(self, x):
        return self.conv(self.both(x))


class Gated(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.c, self.conv = c, nn.Conv2d(c, 2 * c, 1)

    def forward(self, x):
        y = self.conv(x)
        return y[:, : self.c] * y[:, self.c :].sigmoid()


class Fuses(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(c, 3 * c)


class Heads(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.num_heads, self.query = 2, nn.Linear(c, c)


def made_of(layer) -> SimpleNamespace:
    teacher, student = (Net(layer(width), width) for width in (8, 4))
    return SimpleNamespace(student=student, teacher=teacher, path='generator', output=None)


@pytest.mark.parametrize(
    ('layer', 'reason'),
    [
        (Joins, "'body' (Joins) joins or divides channels in its forward"),
        (Stacks, "'body' (Stacks) joins or divides channels in its forward"),
        (Helped, "'body' (Helped) joins or divides channels in its forward"),
        (Gated, "'body' (Gated) joins or divides channels in its forward"),
        *(
            (lambda c, norm=norm: norm(nn.Conv2d(c, c, 3)), 'Conv2d) normalises its weights as a whole')
            for norm in (nn.utils.spectral_norm, nn.utils.weight_norm)
        ),
        (
            lambda c: nn.utils.parametrizations.spectral_norm(nn.Conv2d(c, c, 3)),
            "'body' (ParametrizedConv2d) normalises its weights as a whole",
        ),
        (Fuses, "'body.qkv' (Linear) holds several matrices in one"),
        (Heads, "'body' (Heads) divides its channels among heads"),
        (lambda c: nn.MultiheadAttention(c, 2), "'body' (MultiheadAttention) holds several matrices in one"),
        (lambda c: nn.LSTM(c, c), "'body' (LSTM) holds several matrices in one"),
        (lambda c: nn.Conv2d(c, c, 3, groups=2), "'body' (Conv2d) convolves groups of channels"),
        (
            lambda c: nn.Sequential(nn.Conv2d(c, 2 * c, 1), nn.GLU(1)),
            "'body.1' (GLU) joins or divides channels in its forward",
        ),
    ],
)
def test_a_slice_that_nobody_knows_to_be_right_is_refused(layer, reason):
    pair = made_of(layer)
    before = {name: weight.clone() for name, weight in pair.student.state_dict().items()}
    for layers in ({'': 'sliced'}, {'body': 'sliced'}):
        with pytest.raises(ConfigError) as caught:
            inherit(layers, pair)
        sentence = str(caught.value)
        assert reason in sentence and 'leave `start` out' in sentence and sentence.startswith('start')
        assert all(torch.equal(before[name], weight) for name, weight in pair.student.state_dict().items())
    inherit({'head': 'sliced', 'tail': 'sliced'}, pair)


def test_what_somebody_has_said_is_sliced(monkeypatch):
    monkeypatch.setitem(PARTS, Joins, lambda block: [('conv.weight', 1, [block.conv.out_channels] * 2)])
    pair = made_of(Joins)
    inherit({'': 'sliced'}, pair)
    wide, narrow = (net.body.conv.weight for net in (pair.teacher, pair.student))
    assert torch.equal(narrow, torch.cat([wide[:4, :4], wide[:4, 8:12]], 1))


@pytest.mark.parametrize(
    'layer',
    [
        lambda c: nn.Conv2d(c, c, 3, groups=c),
        lambda c: nn.Conv2d(c, c, 3, groups=c // 2),  # pairs of channels, and fewer of them
        lambda c: nn.Sequential(nn.Conv2d(c, 4 * c, 3), nn.PixelShuffle(2)),
        lambda c: nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * c, c, 3)),
    ],
)
def test_what_keeps_channels_together_is_sliced(layer):
    """By the same numerical test: where its other channels are silent, the teacher is the student."""
    pair = made_of(layer)
    silence(pair.teacher, pair.student)
    inherit({'': 'sliced'}, pair)
    image = torch.rand(2, 3, 16, 16)
    results = [net.tail(net.body(net.head(image))) for net in (pair.student, pair.teacher)]
    torch.testing.assert_close(*results)


def test_a_slice_of_the_same_size_is_a_copy_and_no_matter():
    pair = made_of(Fuses)
    pair.student.body = Fuses(8)
    inherit({'body': 'sliced'}, pair)
    assert torch.equal(pair.student.body.qkv.weight, pair.teacher.body.qkv.weight)


def test_swin_transformers_are_not_sliced():
    """Their qkv is one matrix: the first rows would be all of the query, and no value."""
    shared = dict(type='SwinIRNet', upscale=2, img_size=8, window_size=4, depths=[1], mlp_ratio=2)
    with DefaultScope.overwrite_default_scope('mmagic'):
        teacher, student = (MODELS.build(shared | dict(embed_dim=c, num_heads=[2])) for c in (16, 8))
    pair = SimpleNamespace(student=student, teacher=teacher, path='generator')
    with pytest.raises(ConfigError, match='add it to mmagic_mikd'):
        inherit({'': 'sliced'}, pair)


def test_names_that_tell_a_width_are_refused():
    """StyleGAN3's layers are called after their channels, so a narrow one has no namesake."""
    with DefaultScope.overwrite_default_scope('mmagic'):
        shared = dict(type='StyleGAN3Generator', out_size=16, style_channels=8, img_channels=3)
        cfgs = [
            dict(type='SynthesisNetwork', channel_base=16 * c, channel_max=c, num_layers=3) for c in (16, 8)
        ]
        teacher, student = (MODELS.build(shared | dict(synthesis_cfg=cfg)) for cfg in cfgs)
    pair = SimpleNamespace(student=student, teacher=teacher, path='generator')
    with pytest.raises(ConfigError) as caught:
        inherit({'': 'sliced'}, pair)
    sentence = str(caught.value)
    assert sentence.startswith('start: ') and "set it to 'own'" in sentence and 'synthesis.L0_' in sentence


# ---- what no source tells -------------------------------------------------------------------------


def beside(x, y):
    return torch.cat([x, y], 1)


class Elsewhere(nn.Module):
    """Joins two features in a function of the module, which nobody reads."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.head, self.other, self.tail = nn.Conv2d(3, c, 3), nn.Conv2d(3, c, 3), nn.Conv2d(2 * c, 3, 3)

    def forward(self, x):
        return self.tail(beside(self.head(x), self.other(x)))


@pytest.mark.parametrize('way', ['sliced', 'refitted'])
def test_a_slice_that_is_no_smaller_teacher_is_refused_in_the_first_call(way):
    pair = SimpleNamespace(student=Elsewhere(4), teacher=Elsewhere(8), path='generator', output=None)
    inherit({'': way}, pair)
    teacher = {name: weight.clone() for name, weight in pair.teacher.state_dict().items()}
    with torch.no_grad():
        pair.student(torch.rand(2, 3, 8, 8))  # as a discriminator's step calls it: not looked at
    with pytest.raises(
        ConfigError, match=r"start='sliced': without its other channels .* differ by"
    ) as caught:
        pair.student(torch.rand(2, 3, 8, 8))
    assert "dict(type='pruned')" in str(caught.value)
    assert all(torch.equal(teacher[name], weight) for name, weight in pair.teacher.state_dict().items())


def test_the_test_of_a_slice_is_not_seen_by_a_graph_that_was_there_before():
    """As in CycleGAN, whose generators are called on each other's images first."""
    pair = networks('EDSR')
    inherit({'': 'sliced'}, pair)
    twin = networks('EDSR').student
    twin.load_state_dict(pair.student.state_dict())
    generated, real = torch.rand(2, 2, 3, 8, 8).requires_grad_().unbind()
    losses = [net(generated).sum() + net(real.detach()).square().sum() for net in (pair.student, twin)]
    for loss in losses:
        loss.backward()
    for mine, theirs in zip(pair.student.parameters(), twin.parameters(), strict=True):
        assert torch.equal(mine.grad, theirs.grad)


# ---- what is shared ------------------------------------------------------------------------------


class Normalised(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)), nn.Conv2d(4, 3, 1)

    def forward(self, x):
        return self.b(self.a(x))


def shared(pair: SimpleNamespace, now: bool = True, **options) -> OptimWrapper:
    wrapper = OptimWrapper(torch.optim.SGD(pair.student.parameters(), lr=0.1), **options)
    StudentStart({'a': 'shared'}, [pair], wrapper, now=now)
    return wrapper


@pytest.mark.parametrize('now', [True, False])
def test_a_shared_layer_stays_as_it_was_whatever_it_sees(now):
    """Statistics, too; after a resume it is what the checkpoint has, and not the teacher's."""
    pair = SimpleNamespace(student=Normalised(), teacher=Normalised(), path='generator')
    pair.teacher(torch.randn(4, 3, 8, 8) + 3)
    wrapper, whose = shared(pair, now), pair.teacher if now else pair.student
    expected = {name: value.clone() for name, value in whose.a.state_dict().items()}
    pair.student.train()
    wrapper.update_params(pair.student(torch.randn(4, 3, 8, 8) * 2).square().mean())
    assert all(torch.equal(expected[name], value) for name, value in pair.student.a.state_dict().items())


def test_what_is_shared_takes_no_part_in_clipping():
    changes = []
    for is_shared in (True, False):
        pair = SimpleNamespace(student=Normalised().eval(), teacher=Normalised().eval(), path='generator')
        for network in (pair.student, pair.teacher):
            for parameter in network.parameters():
                nn.init.constant_(parameter, 0.5)
        if is_shared:
            wrapper = shared(pair, clip_grad=dict(max_norm=0.1))
        else:
            pair.student.a.requires_grad_(False)
            optimiser = torch.optim.SGD(pair.student.parameters(), lr=0.1)
            wrapper = OptimWrapper(optimiser, clip_grad=dict(max_norm=0.1))
        wrapper.update_params(pair.student(torch.ones(1, 3, 2, 2)).square().mean())
        changes.append(pair.student.b.weight - 0.5)
    assert changes[0].abs().max() > 0
    torch.testing.assert_close(*changes)
