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
    filter = filter if flip_filter else filter.flip(*range(filter.ndim))

    x = F.pad(_insert_zeros(input, *_xy(up)), _sides(padding))
    down_x, down_y = _xy(down)
    if filter.ndim == 2:
        return _filter(x, filter, (down_y, down_x))
    return _filter(_filter(x, filter[None, :], (1, down_x)), filter[:, None], (down_y, 1))


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


def _filter(x: Tensor, kernel: Tensor, stride: tuple[int, int]) -> Tensor:
    channels = x.shape[1]
    return F.conv2d(x, kernel.expand(channels, 1, *kernel.shape), stride=stride, groups=channels)


def _insert_zeros(x: Tensor, up_x: int, up_y: int) -> Tensor:
    if up_x == up_y == 1:
        return x
    n, c, h, w = x.shape
    return F.pad(x[:, :, :, None, :, None], (0, up_x - 1, 0, 0, 0, up_y - 1)).reshape(
        n, c, h * up_y, w * up_x
    )


def _xy(scale: Scale) -> tuple[int, int]:
    x, y = (scale, scale) if isinstance(scale, int) else scale
    return int(x), int(y)


def _sides(padding: Padding) -> tuple[int, ...]:
    """(left, right, top, bottom)."""
    sides = (padding, padding) if isinstance(padding, int) else tuple(padding)
    return (sides[0], sides[0], sides[1], sides[1]) if len(sides) == 2 else sides
