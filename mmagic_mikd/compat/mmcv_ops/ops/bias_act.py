"""Bias, activation, gain and clamp in one call (StyleGAN3, https://arxiv.org/abs/2106.12423)."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

SQRT2 = 2**0.5

# name: (activation, default alpha, default gain)
ACTIVATIONS: dict[str, tuple[Callable[[Tensor, float], Tensor], float, float]] = {
    'linear': (lambda x, _: x, 0, 1),
    'relu': (lambda x, _: F.relu(x), 0, SQRT2),
    'lrelu': (lambda x, alpha: F.leaky_relu(x, alpha), 0.2, SQRT2),
    'tanh': (lambda x, _: torch.tanh(x), 0, 1),
    'sigmoid': (lambda x, _: torch.sigmoid(x), 0, 1),
    'elu': (lambda x, _: F.elu(x), 0, 1),
    'selu': (lambda x, _: F.selu(x), 0, 1),
    'softplus': (lambda x, _: F.softplus(x), 0, 1),
    'swish': (lambda x, _: F.silu(x), 0, SQRT2),
}


def bias_act(
    input: Tensor,
    bias: Tensor | None = None,
    dim: int = 1,
    act: str = 'linear',
    alpha: float | None = None,
    gain: float | None = None,
    clamp: float | None = None,
    use_custom_op: bool = True,
) -> Tensor:
    """`clamp(gain * act(input + bias))`; `bias` runs along `dim`, None means: the activation's default.

    `alpha` is the slope of 'lrelu', `clamp` the largest magnitude that is let through. `use_custom_op` has no
    effect here.
    """
    activation, default_alpha, default_gain = ACTIVATIONS[act]
    if bias is not None:
        input = input + bias.reshape([-1 if axis == dim else 1 for axis in range(input.ndim)])
    output = activation(input, float(default_alpha if alpha is None else alpha))
    gain = float(default_gain if gain is None else gain)
    if gain != 1:
        output = output * gain
    return output if clamp is None else output.clamp(-clamp, clamp)
