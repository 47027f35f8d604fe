"""Modulated deformable convolution, DCNv2 (https://arxiv.org/abs/1811.11168), over `torchvision.ops`.

Differentiable once: torchvision's kernel, like mmcv's, has no second derivative.
"""

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn
from torch.nn.modules.utils import _pair
from torchvision.ops import deform_conv2d as _deform_conv2d

from .conv2d_gradfix import Size


def modulated_deform_conv2d(
    input: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
    deform_groups: int = 1,
) -> Tensor:
    """Convolve (N, C, H, W) at sampling points moved by `offset` and weighted by `mask`.

    `offset` is (N, 2 * deform_groups * kh * kw, H', W'), for each point first y then x, in pixels; `mask` is
    (N, deform_groups * kh * kw, H', W') or None for ones. As in mmcv, `offset` decides the precision: under
    autocast it is the one that a convolution made.
    """
    if input.ndim != 4:
        raise ValueError(f'Expected 4D tensor as input, got {input.ndim}D tensor instead.')
    points = deform_groups * weight.shape[2] * weight.shape[3]
    if offset.shape[1] != 2 * points:
        raise ValueError(f'offset has {offset.shape[1]} channels, {2 * points} are expected')

    def like_offset(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else tensor.to(offset.dtype)

    return _deform_conv2d(
        like_offset(input),
        offset,
        like_offset(weight),
        like_offset(bias),
        _pair(stride),
        _pair(padding),
        _pair(dilation),
        like_offset(mask),
    )


class ModulatedDeformConv2d(nn.Module):
    """The layer around `modulated_deform_conv2d`: `forward(x, offset, mask)`, arguments as `nn.Conv2d`."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        dilation: Size = 1,
        groups: int = 1,
        deform_groups: int = 1,
        bias: bool | str = True,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride = _pair(kernel_size), _pair(stride)
        self.padding, self.dilation = _pair(padding), _pair(dilation)
        self.groups, self.deform_groups = groups, deform_groups
        # what `nn.Conv2d` has and weight initialisers and profilers read
        self.transposed, self.output_padding = False, (0,)
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels // groups, *self.kernel_size))
        self.register_parameter('bias', nn.Parameter(torch.empty(out_channels)) if bias else None)
        self.init_weights()

    def init_weights(self) -> None:
        """Uniform within one over the square root of the number of inputs."""
        bound = (self.in_channels * self.kernel_size[0] * self.kernel_size[1]) ** -0.5
        nn.init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor, offset: Tensor, mask: Tensor) -> Tensor:
        return modulated_deform_conv2d(
            x,
            offset,
            mask,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
            self.deform_groups,
        )


@MODELS.register_module('DCNv2')
class ModulatedDeformConv2dPack(ModulatedDeformConv2d):
    """A drop-in convolution that predicts its own offsets and mask: `forward(x)`."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        points = self.deform_groups * self.kernel_size[0] * self.kernel_size[1]
        self.conv_offset = nn.Conv2d(
            self.in_channels, 3 * points, self.kernel_size, self.stride, self.padding, self.dilation
        )
        self.init_weights()

    def init_weights(self) -> None:
        """As the plain layer, at first without moving any point."""
        super().init_weights()
        if hasattr(self, 'conv_offset'):
            nn.init.zeros_(self.conv_offset.weight)
            nn.init.zeros_(self.conv_offset.bias)

    def forward(self, x: Tensor) -> Tensor:
        first, second, mask = self.conv_offset(x).chunk(3, dim=1)
        return super().forward(x, torch.cat((first, second), dim=1), mask.sigmoid())
