"""Weights of an ncnn model: the bytes of a network written by hand, and what is no such model."""

import struct

import pytest
import torch
from torch import nn

from mmagic_mikd.students.compact_net import CompactNet
from mmagic_mikd.teachers.ncnn import FLOAT16, state_dict_from_ncnn
from mmagic_mikd.utils.errors import ConfigError


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 3, 3), nn.PReLU(3), nn.Conv2d(3, 5, 1))


def written(model, tag=FLOAT16):
    """(.param, .bin) as the format has them: 81 weights of two bytes want two bytes more."""
    lines, content = ['7767517', '4 4', 'Input  in  0 1 data'], b''
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            out, _, side, _ = module.weight.shape
            lines.append(f'Convolution  c{name} 1 1 a b 0={out} 1={side} 5=1 6={module.weight.numel()} 9=2')
            content += struct.pack('<I', tag) + module.weight.detach().half().numpy().tobytes()
            content += b'\0' * (-len(content) % 4) + module.bias.detach().numpy().tobytes()
        elif isinstance(module, nn.PReLU):
            lines.append(f'PReLU  p{name} 1 1 a b 0={module.weight.numel()}')
            content += module.weight.detach().numpy().tobytes()
    return '\n'.join(lines), content


def test_weights_are_halves_and_biases_and_slopes_exact():
    model = network()
    found, expected = state_dict_from_ncnn(*written(model), network()), model.state_dict()
    assert found.keys() == expected.keys() and model[0].weight.numel() % 2
    for name, tensor in expected.items():
        half = tensor.ndim == 4
        assert torch.equal(found[name], tensor.half() if half else tensor), name


def test_the_compact_network_is_the_input_enlarged_plus_what_it_adds():
    model = CompactNet(channels=4, layers=2, scale=4)
    assert sum(p.numel() for p in CompactNet().parameters()) == 621_424
    state = state_dict_from_ncnn(*written(model), CompactNet(4, 2, 4))
    model.load_state_dict(state)
    with torch.no_grad():
        model.body[-1].weight.zero_()
        model.body[-1].bias.zero_()
        x = torch.rand(1, 3, 5, 6)
        assert torch.equal(model(x), x.repeat_interleave(4, 2).repeat_interleave(4, 3))


@pytest.mark.parametrize(
    ('harm', 'message'),
    [
        (lambda param, content: (param, content[:-1]), 'ends within its layer c2'),
        (lambda param, content: (param, content + b'0000'), 'has 4 bytes after its last layer'),
        (lambda param, content: (param, b'1234' + content[4:]), 'layer c0 .* is not float16'),
        (
            lambda param, content: (param.replace('PReLU', 'ReLU'), content),
            'has 2 layers .* Sequential has 3',
        ),
        (lambda param, content: (param.replace('6=81', '6=27'), content), 'has 27 values for 0.weight'),
    ],
)
def test_another_model_is_refused(harm, message):
    with pytest.raises(ConfigError, match=message):
        state_dict_from_ncnn(*harm(*written(network())), network())
