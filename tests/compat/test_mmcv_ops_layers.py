"""Activations and (deformable) convolutions of the stand-in for `mmcv.ops`, against their formulas."""

import importlib
import importlib.util
import inspect
import math

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck, gradgradcheck

import mmagic_mikd  # noqa: F401  gives mmcv.ops where mmcv is not compiled

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec('mmcv._ext') is not None, reason='mmcv is compiled here and used as it is'
)

SQRT2 = math.sqrt(2)
FORMULAS = {
    'linear': (lambda x: x, 1),
    'relu': (lambda x: x * (x > 0), SQRT2),
    'lrelu': (lambda x: torch.where(x > 0, x, 0.2 * x), SQRT2),
    'tanh': (lambda x: 2 / (1 + torch.exp(-2 * x)) - 1, 1),
    'sigmoid': (lambda x: 1 / (1 + torch.exp(-x)), 1),
    'elu': (lambda x: torch.where(x > 0, x, torch.exp(x) - 1), 1),
    'selu': (
        lambda x: 1.0507009873554805 * torch.where(x > 0, x, 1.6732632423543772 * (torch.exp(x) - 1)),
        1,
    ),
    'softplus': (lambda x: torch.log(1 + torch.exp(x)), 1),
    'swish': (lambda x: x / (1 + torch.exp(-x)), SQRT2),
}


def tensor(*shape, seed=0, **kwargs):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.manual_seed(seed), **kwargs)


@pytest.mark.parametrize('act', FORMULAS)
def test_bias_act_is_its_formula_with_two_derivatives(act):
    from mmcv.ops import bias_act

    formula, gain = FORMULAS[act]
    x, bias = tensor(2, 3, 4, requires_grad=True), tensor(3, seed=1, requires_grad=True)
    torch.testing.assert_close(bias_act(x, bias, act=act), gain * formula(x + bias.view(1, 3, 1)))
    torch.testing.assert_close(bias_act(x, act=act, gain=0.5, clamp=0.2), (0.5 * formula(x)).clamp(-0.2, 0.2))
    assert gradcheck(lambda x, b: bias_act(x, b, act=act), (x, bias))
    assert gradgradcheck(lambda x, b: bias_act(x, b, act=act).square(), (x, bias))


def test_bias_act_along_another_dimension_and_with_another_slope():
    from mmcv.ops import bias_act

    x, bias = tensor(2, 3, 4), tensor(4, seed=1)
    expected = torch.where(x + bias > 0, x + bias, 0.5 * (x + bias))
    torch.testing.assert_close(bias_act(x, bias, dim=2, act='lrelu', alpha=0.5, gain=1), expected)


@pytest.mark.parametrize('shape', [(2, 3), (2, 3, 4, 4)])
def test_fused_bias_leakyrelu_is_its_formula_with_two_derivatives(shape):
    from mmcv.ops import fused_bias_leakyrelu

    x, bias = tensor(*shape, requires_grad=True), tensor(3, seed=1, requires_grad=True)
    shifted = x + bias.view(1, 3, *[1] * (len(shape) - 2))
    expected = 1.3 * torch.where(shifted > 0, shifted, 0.1 * shifted)
    torch.testing.assert_close(fused_bias_leakyrelu(x, bias, 0.1, 1.3), expected)
    assert gradcheck(fused_bias_leakyrelu, (x, bias))
    assert gradgradcheck(lambda x, b: fused_bias_leakyrelu(x, b).square(), (x, bias))


def test_fused_bias_leakyrelu_layer_learns_one_bias_a_channel():
    from mmcv.ops.fused_bias_leakyrelu import FusedBiasLeakyReLU

    layer = FusedBiasLeakyReLU(3)
    assert [(name, p.shape) for name, p in layer.named_parameters()] == [('bias', (3,))]
    torch.testing.assert_close(layer(torch.ones(1, 3, 2, 2)), torch.full((1, 3, 2, 2), SQRT2))


def test_convolutions_take_mmcvs_arguments():
    from mmcv.ops import conv2d, conv2d_gradfix, conv_transpose2d

    x, weight, bias = tensor(1, 4, 5, 5), tensor(6, 2, 3, 3, seed=1), tensor(6, seed=2)
    options = dict(stride=2, padding=1, dilation=1, groups=2)
    torch.testing.assert_close(conv2d(x, weight, bias, **options), F.conv2d(x, weight, bias, **options))
    up = tensor(4, 3, 3, 3, seed=3)
    result = conv_transpose2d(x, up, None, 2, 1, 1, 2, 1)
    expected = F.conv_transpose2d(x, up, stride=2, padding=1, output_padding=1, groups=2)
    torch.testing.assert_close(result, expected)
    with conv2d_gradfix.no_weight_gradients():
        assert gradgradcheck(conv2d_gradfix.conv2d, (tensor(1, 1, 3, 3).requires_grad_(), tensor(1, 1, 2, 2)))


def naive_deform_conv(x, offset, mask, weight, stride=1, padding=0, dilation=1, groups=1, deform_groups=1):
    """Each output pixel from its bilinearly read points, one by one; zero outside the image."""
    n, channels, height, width = x.shape
    out_channels, _, kh, kw = weight.shape
    rows, columns = offset.shape[2:]
    out = x.new_zeros(n, out_channels, rows, columns)
    for b, i, j, c, k, m in _product(n, rows, columns, channels, kh, kw):
        group = c // (channels // deform_groups)
        point = (group * kh + k) * kw + m
        y = i * stride - padding + k * dilation + offset[b, 2 * point, i, j]
        z = j * stride - padding + m * dilation + offset[b, 2 * point + 1, i, j]
        value = _bilinear(x[b, c], y, z, height, width) * mask[b, point, i, j]
        conv_group = c // (channels // groups)
        filters = slice(conv_group * out_channels // groups, (conv_group + 1) * out_channels // groups)
        out[b, filters, i, j] += weight[filters, c % (channels // groups), k, m] * value
    return out


def _product(*sizes):
    return [tuple(index.tolist()) for index in torch.cartesian_prod(*[torch.arange(size) for size in sizes])]


def _bilinear(channel, y, x, height, width):
    y0, x0 = math.floor(y), math.floor(x)
    corners = [(y0, x0), (y0, x0 + 1), (y0 + 1, x0), (y0 + 1, x0 + 1)]
    inside = [(r, c) for r, c in corners if 0 <= r < height and 0 <= c < width]
    return sum(channel[r, c] * (1 - abs(y - r)) * (1 - abs(x - c)) for r, c in inside)


@pytest.mark.parametrize(
    'options',
    [
        dict(padding=1),
        dict(stride=2, padding=1, groups=2),
        dict(padding=2, dilation=2, deform_groups=2),
        dict(groups=2, deform_groups=4),
    ],
)
def test_deformable_convolutions_are_their_definition(options):
    from mmcv.ops import deform_conv2d, modulated_deform_conv2d

    x, weight = tensor(2, 4, 5, 5), tensor(4, 4 // options.get('groups', 1), 3, 3, seed=1)
    spatial = {key: value for key, value in options.items() if key != 'deform_groups'}
    size = F.conv2d(x, weight, **spatial).shape[2:]
    points = 9 * options.get('deform_groups', 1)
    offset, mask = tensor(2, 2 * points, *size, seed=2), torch.sigmoid(tensor(2, points, *size, seed=3))
    expected = naive_deform_conv(x, offset, mask, weight, **options)
    torch.testing.assert_close(modulated_deform_conv2d(x, offset, mask, weight, **options), expected)
    expected = naive_deform_conv(x, offset, torch.ones_like(mask), weight, **options)
    torch.testing.assert_close(deform_conv2d(x, offset, weight, **options), expected)


def test_deformable_convolution_has_first_and_no_second_gradients():
    from mmcv.ops import modulated_deform_conv2d

    inputs = (
        tensor(1, 1, 3, 3),
        0.3 + 0.1 * tensor(1, 8, 2, 2, seed=1),
        tensor(1, 4, 2, 2, seed=2),
        tensor(1, 1, 2, 2),
    )
    inputs = [t.requires_grad_() for t in inputs]
    assert gradcheck(modulated_deform_conv2d, inputs)
    with pytest.raises(RuntimeError, match='double backwards'):
        gradgradcheck(modulated_deform_conv2d, inputs)


def test_deformable_convolution_follows_the_precision_of_its_offset():
    from mmcv.ops import deform_conv2d

    x, weight = torch.ones(1, 1, 3, 3, dtype=torch.float64), torch.ones(1, 1, 1, 1)
    assert deform_conv2d(x, torch.zeros(1, 2, 3, 3), weight).dtype == torch.float32


def test_deformable_convolution_refuses_an_offset_of_other_groups():
    from mmcv.ops import deform_conv2d

    with pytest.raises(ValueError, match='offset has 2 channels, 4 are expected'):
        deform_conv2d(
            torch.ones(1, 2, 3, 3), torch.zeros(1, 2, 3, 3), torch.ones(1, 2, 1, 1), deform_groups=2
        )


@pytest.mark.parametrize('name, plain', [('DCN', 'DeformConv2d'), ('DCNv2', 'ModulatedDeformConv2d')])
def test_packs_start_as_plain_convolutions_and_are_registered(name, plain):
    from mmcv import ops
    from mmengine.registry import MODELS

    torch.manual_seed(0)
    pack = MODELS.build(
        dict(type=name, in_channels=4, out_channels=6, kernel_size=3, padding=1, deform_groups=2)
    )
    assert isinstance(pack, getattr(ops, plain))
    x = torch.randn(2, 4, 5, 5)
    # no offset, and a mask of sigmoid(0)
    mask = 0.5 if name == 'DCNv2' else 1
    torch.testing.assert_close(pack(x), mask * F.conv2d(x, pack.weight, padding=1), rtol=1e-4, atol=1e-5)


def test_an_image_smaller_than_the_kernel_is_padded():
    from mmcv.ops import DeformConv2d

    layer = DeformConv2d(1, 1, 3, padding=1)
    assert layer(torch.ones(1, 1, 2, 2), torch.zeros(1, 18, 2, 2)).shape == (1, 1, 2, 2)


def test_an_operation_that_is_not_provided_says_so():
    with pytest.raises(ImportError, match=r'mmcv\.ops\.nms is not available.*compiled'):
        from mmcv.ops import nms  # noqa: F401


CONV = 'in_channels out_channels kernel_size stride padding dilation groups deform_groups bias'
UPFIRDN = 'padding flip_filter gain use_custom_op'
SIGNATURES = {
    'upfirdn2d': f'input filter up down {UPFIRDN}',
    'filter2d': f'input filter {UPFIRDN}',
    'upsample2d': f'input filter up {UPFIRDN}',
    'filtered_lrelu': 'input filter_up filter_down bias up down padding'
    ' gain slope clamp flip_filter use_custom_op',
    'bias_act': 'input bias dim act alpha gain clamp use_custom_op',
    'fused_bias_leakyrelu': 'input bias negative_slope scale',
    'conv2d': 'input weight bias stride padding dilation groups',
    'conv_transpose2d': 'input weight bias stride padding output_padding groups dilation',
    'deform_conv2d': 'input offset weight stride padding dilation groups deform_groups bias im2col_step',
    'modulated_deform_conv2d': 'input offset mask weight bias stride padding dilation groups deform_groups',
    'DeformConv2d': f'{CONV} im2col_step',
    'ModulatedDeformConv2d': CONV,
}


@pytest.mark.parametrize('name', SIGNATURES)
def test_signatures_are_those_of_mmcv_2_1_0(name):
    ops = importlib.import_module('mmcv.ops')
    assert ' '.join(inspect.signature(getattr(ops, name)).parameters) == SIGNATURES[name]
