"""Leaky ReLU evaluated at a higher sampling rate (StyleGAN3, https://arxiv.org/abs/2106.12423, section 2)."""

from torch import Tensor

from .bias_act import bias_act
from .upfirdn2d import Padding, upfirdn2d


def filtered_lrelu(
    input: Tensor,
    filter_up: Tensor | None = None,
    filter_down: Tensor | None = None,
    bias: Tensor | None = None,
    up: int = 1,
    down: int = 1,
    padding: Padding = 0,
    gain: float = 2**0.5,
    slope: float = 0.2,
    clamp: float | None = None,
    flip_filter: bool = False,
    use_custom_op: bool = True,
) -> Tensor:
    """Add `bias` (C,), enlarge by `up`, apply leaky ReLU with `slope`, `gain` and `clamp`, shrink by `down`.

    `padding` is that of `upfirdn2d`, in upsampled pixels. `use_custom_op` has no effect here.
    """
    x = bias_act(input, bias)
    x = upfirdn2d(x, filter_up, up=up, padding=padding, gain=up**2, flip_filter=flip_filter)
    x = bias_act(x, act='lrelu', alpha=slope, gain=gain, clamp=clamp)
    return upfirdn2d(x, filter_down, down=down, flip_filter=flip_filter)
