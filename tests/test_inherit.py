"""A student that starts as a part of its teacher is that part, and nothing else."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from mmagic_mikd.inherit import InheritedLayers

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
}


def silence(teacher: nn.Module, student: nn.Module) -> None:
    """Every channel of the teacher's that its student does not have gives zeros from now on."""
    narrow = student.state_dict()
    for name, module in teacher.named_modules():
        for part, weight in module.named_parameters(recurse=False):
            output = int(isinstance(module, nn.ConvTranspose2d) and part == 'weight')
            kept = narrow[f'{name}.{part}'].shape[output]
            weight.data.narrow(output, kept, weight.shape[output] - kept).zero_()


@pytest.mark.parametrize(('shared', 'wide', 'narrow'), NETWORKS.values(), ids=NETWORKS)
def test_a_sliced_student_is_its_teacher_without_the_other_channels(shared, wide, narrow):
    with DefaultScope.overwrite_default_scope('mmagic'):
        teacher, student = (MODELS.build(shared | size).eval() for size in (wide, narrow))
    for parameter in teacher.parameters():
        parameter.data.normal_(std=0.1)
    silence(teacher, student)
    optim_wrapper = OptimWrapper(torch.optim.SGD(student.parameters(), lr=1))
    pair = SimpleNamespace(student=student, teacher=teacher, path='generator')
    image = torch.rand(2, 3, 32, 32)
    assert not torch.allclose(student(image), teacher(image))
    InheritedLayers({'': 'sliced'}, [pair], optim_wrapper)
    torch.testing.assert_close(student(image), teacher(image))


def test_the_decoder_of_a_u_net_alone_gets_channels_of_both_features():
    shared, wide, narrow = NETWORKS['U-Net']
    with DefaultScope.overwrite_default_scope('mmagic'):
        teacher, student = (MODELS.build(shared | size) for size in (wide, narrow))
    optim_wrapper = OptimWrapper(torch.optim.SGD(student.parameters(), lr=1))
    pair = SimpleNamespace(student=student, teacher=teacher, path='generator')
    InheritedLayers({'model.model.2': 'sliced'}, [pair], optim_wrapper)
    whole, part = (network.model.model[2].conv.weight for network in (teacher, student))
    assert torch.equal(part, torch.cat([whole[:2], whole[8:10]]))
