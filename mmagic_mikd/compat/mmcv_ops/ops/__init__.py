"""Stands in for `mmcv.ops` where mmcv is not compiled; loaded under that name only (see the parent package)."""

from . import conv2d_gradfix
from .bias_act import bias_act
from .conv2d_gradfix import conv2d, conv_transpose2d
from .deform_conv import DeformConv2d, DeformConv2dPack, deform_conv2d
from .filtered_lrelu import filtered_lrelu
from .fused_bias_leakyrelu import FusedBiasLeakyReLU, fused_bias_leakyrelu
from .modulated_deform_conv import (
    ModulatedDeformConv2d,
    ModulatedDeformConv2dPack,
    modulated_deform_conv2d,
)
from .upfirdn2d import filter2d, upfirdn2d, upsample2d

__all__ = [
    'DeformConv2d',
    'DeformConv2dPack',
    'FusedBiasLeakyReLU',
    'ModulatedDeformConv2d',
    'ModulatedDeformConv2dPack',
    'bias_act',
    'conv2d',
    'conv2d_gradfix',
    'conv_transpose2d',
    'deform_conv2d',
    'filter2d',
    'filtered_lrelu',
    'fused_bias_leakyrelu',
    'modulated_deform_conv2d',
    'upfirdn2d',
    'upsample2d',
]


def __getattr__(name: str):
    if name.startswith('_'):
        raise AttributeError(name)
    raise ImportError(
        f'mmcv.ops.{name} is not available: this mmcv has no compiled operations, and mmagic_mikd stands in '
        f'only for those that MMagic uses. Install a compiled mmcv to use it.',
        name='mmcv.ops',
    )
