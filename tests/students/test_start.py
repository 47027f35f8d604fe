"""A student that starts as a part of its teacher is that part, and nothing else."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from mmagic_mikd.students.start import StudentStart

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
    # their output is two features, to be multiplied
    gates = [conv for b in naf_blocks(teacher) for conv in (b.conv1, b.conv2, b.conv4)]
    for name, module in teacher.named_modules():
        for part, weight in module.named_parameters(recurse=False):
            output = int(isinstance(module, nn.ConvTranspose2d) and part == 'weight')
            features = 2 if module in gates else 1
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
    return SimpleNamespace(student=student, teacher=teacher, path='generator')


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
