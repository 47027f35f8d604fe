"""`conv2d` and `conv_transpose2d` with gradients of any order: PyTorch's own have had them since 1.11."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch.nn.functional as F
from torch import Tensor

Size = int | tuple[int, int]


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """`torch.nn.functional.conv2d`."""
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """`torch.nn.functional.conv_transpose2d`."""
    return F.conv_transpose2d(input, weight, bias, stride, padding, output_padding, groups, dilation)


@contextmanager
def no_weight_gradients(disable: bool = True) -> Iterator[None]:
    """mmcv skips weight gradients here to save time; computing them gives the same gradients elsewhere."""
    yield
