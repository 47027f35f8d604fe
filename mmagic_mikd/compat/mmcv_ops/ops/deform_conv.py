"""Deformable convolution, DCN (https://arxiv.org/abs/1703.06211), over `torchvision.ops`.

Differentiable once: torchvision's kernel, like mmcv's, has no second derivative.
"""

import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import Tensor, nn
from torch.nn.modules.utils import _pair

from .conv2d_gradfix import Size
from .modulated_deform_conv import modulated_deform_conv2d


def deform_conv2d(
    input: Tensor,
    offset: Tensor,
    weight: Tensor,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
    deform_groups: int = 1,
    bias: bool = False,
    im2col_step: int = 32,
) -> Tensor:
    """`modulated_deform_conv2d` without mask and bias; `im2col_step`, mmcv's batching, has no effect here."""
    if bias:
        raise ValueError('deform_conv2d supports no bias')
    return modulated_deform_conv2d(
        input, offset, None, weight, None, stride, padding, dilation, groups, deform_groups
    )


class DeformConv2d(nn.Module):
    """The layer around `deform_conv2d`: `forward(x, offset)`, arguments as `nn.Conv2d`, without bias."""

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
        bias: bool = False,
        im2col_step: int = 32,
    ) -> None:
        super().__init__()
        if bias:
            raise ValueError('DeformConv2d supports no bias')
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride = _pair(kernel_size), _pair(stride)
        self.padding, self.dilation = _pair(padding), _pair(dilation)
        self.groups, self.deform_groups = groups, deform_groups
        self.im2col_step = im2col_step
        # what `nn.Conv2d` has and weight initialisers and profilers read
        self.transposed, self.output_padding = False, (0,)
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels // groups, *self.kernel_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """He initialisation, uniform."""
        nn.init.kaiming_uniform_(self.weight, nonlinearity='relu')

    def forward(self, x: Tensor, offset: Tensor) -> Tensor:
        # as mmcv: an image smaller than the kernel is enlarged by zeros, and the result cut back
        short_y = max(self.kernel_size[0] - x.shape[2], 0)
        short_x = max(self.kernel_size[1] - x.shape[3], 0)
        out = self._convolve(F.pad(x, (0, short_x, 0, short_y)), F.pad(offset, (0, short_x, 0, short_y)))
        return out[:, :, : out.shape[2] - short_y, : out.shape[3] - short_x]

    def _convolve(self, x: Tensor, offset: Tensor) -> Tensor:
        return deform_conv2d(
            x,
            offset,
            self.weight,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
            self.deform_groups,
        )


@MODELS.register_module('DCN')
class DeformConv2dPack(DeformConv2d):
    """A drop-in convolution that predicts its own offsets, zero at the start: `forward(x)`."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        points = self.deform_groups * self.kernel_size[0] * self.kernel_size[1]
        self.conv_offset = nn.Conv2d(
            self.in_channels, 2 * points, self.kernel_size, self.stride, self.padding, self.dilation
        )
        self.init_offset()

    def init_offset(self) -> None:
        """At first no point is moved."""
        nn.init.zeros_(self.conv_offset.weight)
        nn.init.zeros_(self.conv_offset.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self._convolve(x, self.conv_offset(x))
