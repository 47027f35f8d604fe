"""Upsample, pad, filter and downsample images with an FIR filter (StyleGAN2 and 3), as depthwise convolution.

Differentiable any number of times with respect to the images; the filter is a constant.
"""

import torch.nn.functional as F
from torch import Tensor

Scale = int | tuple[int, int]
Padding = int | tuple[int, ...]


def upfirdn2d(
    input: Tensor,
    filter: Tensor | None,
    up: Scale = 1,
    down: Scale = 1,
    padding: Padding = 0,
    flip_filter: bool = False,
    gain: float = 1,
    use_custom_op: bool = True,
) -> Tensor:
    """Put `up - 1` zeros behind each pixel, pad, filter, keep every `down`-th pixel.

    `input` is (N, C, H, W); `filter` is (h, w), or (taps,) for a separable one, or None for the
    identity. `up` and `down` are one factor or (x, y); `padding`, in upsampled pixels, is one number,
    (x, y) or (left, right, top, bottom), and crops where it is negative. `flip_filter=False`
    convolves, True correlates. `gain` scales the result. `use_custom_op` has no effect here.
    """
    if filter is None:
        filter = input.new_ones(1, 1)
    filter = filter.to(input.dtype) * float(gain) ** (filter.ndim / 2)
    filter = filter.flip(*range(filter.ndim)) if flip_filter else filter

    (up_x, up_y), (down_x, down_y) = _xy(up), _xy(down)
    left, right, top, bottom = _sides(padding)
    if filter.ndim == 2:
        return _convolve(input, filter, (up_y, up_x), (down_y, down_x), (left, right, top, bottom))
    x = _convolve(input, filter[None, :], (1, up_x), (1, down_x), (left, right, 0, 0))
    return _convolve(x, filter[:, None], (up_y, 1), (down_y, 1), (0, 0, top, bottom))


def filter2d(
    input: Tensor,
    filter: Tensor | None,
    padding: Padding = 0,
    flip_filter: bool = False,
    gain: float = 1,
    use_custom_op: bool = True,
) -> Tensor:
    """Filter and keep the image size; `padding` comes on top. See `upfirdn2d`."""
    return upsample2d(input, filter, 1, padding, flip_filter, gain)


def upsample2d(
    input: Tensor,
    filter: Tensor | None,
    up: Scale = 2,
    padding: Padding = 0,
    flip_filter: bool = False,
    gain: float = 1,
    use_custom_op: bool = True,
) -> Tensor:
    """Enlarge by `up`, with the brightness kept by a filter that sums to 1. See `upfirdn2d`."""
    up_x, up_y = _xy(up)
    width, height = (1, 1) if filter is None else (filter.shape[-1], filter.shape[0])
    left, right, top, bottom = _sides(padding)
    sides = (
        left + (width + up_x - 1) // 2,
        right + (width - up_x) // 2,
        top + (height + up_y - 1) // 2,
        bottom + (height - up_y) // 2,
    )
    return upfirdn2d(input, filter, up, 1, sides, flip_filter, gain * up_x * up_y)


def _convolve(
    x: Tensor, kernel: Tensor, up: tuple[int, int], down: tuple[int, int], sides: tuple[int, ...]
) -> Tensor:
    """One convolution, channel by channel; `up` and `down` are (y, x) here."""
    channels = x.shape[1]
    if up == (1, 1):
        weight = kernel.flip(0, 1).expand(channels, 1, *kernel.shape)
        return F.conv2d(F.pad(x, sides), weight, stride=down, groups=channels)
    # a transposed convolution skips the zeros that were to be inserted (twice as fast); it makes every
    # output pixel that a kernel reaches, so what `sides` asks for is a crop of that, or zeros around it
    weight = kernel.expand(channels, 1, *kernel.shape)
    full = F.conv_transpose2d(x, weight, stride=up, groups=channels)
    left, right, top, bottom = sides
    reach_y, reach_x = kernel.shape[0] - 1, kernel.shape[1] - 1
    behind_y, behind_x = up[0] - 1, up[1] - 1  # zeros behind the last pixel
    x = F.pad(full, (left - reach_x, right - reach_x + behind_x, top - reach_y, bottom - reach_y + behind_y))
    return x[:, :, :: down[0], :: down[1]]


def _xy(scale: Scale) -> tuple[int, int]:
    x, y = (scale, scale) if isinstance(scale, int) else scale
    return int(x), int(y)


def _sides(padding: Padding) -> tuple[int, ...]:
    """(left, right, top, bottom)."""
    sides = (padding, padding) if isinstance(padding, int) else tuple(padding)
    return (sides[0], sides[0], sides[1], sides[1]) if len(sides) == 2 else sides
