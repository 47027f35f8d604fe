"""Least squares for the weights of one convolution, plain or transposed."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

RIDGE = 1.0
MOST_ROWS = 8192  # positions of the output that are looked at
MOST_SAMPLES = 128  # so that there are 64 positions in each, which see all of a kernel


class Fitted:
    """A convolution as the linear map of its weights that it is.

    ``matrix`` are the weights, (unknowns, outputs), with the bias in a last row where there is one.
    """

    def __init__(self, layer: nn.Conv2d | nn.ConvTranspose2d) -> None:
        self._layer, self._transposed = layer, isinstance(layer, nn.ConvTranspose2d)

    @staticmethod
    def knows(layer: nn.Module) -> bool:
        """Whether it can be refitted: one with weights of its own, not in groups."""
        if type(layer) not in (nn.Conv2d, nn.ConvTranspose2d) or layer.groups != 1:
            return False
        if isinstance(layer.padding, str) or 'weight' not in layer._parameters:
            return False
        return type(layer) is nn.Conv2d or layer.dilation == (1, 1)

    @staticmethod
    def out_dimension(layer: nn.Module) -> int:
        """Of the weight, the one of output channels."""
        return 1 if isinstance(layer, nn.ConvTranspose2d) else 0

    @property
    def matrix(self) -> Tensor:
        weight, bias = self._layer.weight.detach(), self._layer.bias
        if self._transposed:
            rows = weight.flip(2, 3).permute(0, 2, 3, 1).flatten(0, 2)
        else:
            rows = weight.flatten(1).t()
        return rows if bias is None else torch.cat([rows, bias.detach()[None]])

    @matrix.setter
    def matrix(self, value: Tensor) -> None:
        weight, bias = self._layer.weight, self._layer.bias
        if bias is not None:
            bias.data.copy_(value[-1])
            value = value[:-1]
        if self._transposed:
            inputs, outputs, height, width = weight.shape
            value = value.reshape(inputs, height, width, outputs).permute(0, 3, 1, 2).flip(2, 3)
        else:
            value = value.t().reshape(weight.shape)
        weight.data.copy_(value)

    def rows(self, x: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs (rows, unknowns) and outputs (rows, outputs) of evenly spaced samples and positions."""
        height, width = target.shape[-2:]
        layer, every = self._layer, -(-len(x) // MOST_SAMPLES)
        x, target = x[::every], target[::every]
        phases = math.prod(layer.stride) if self._transposed else 1
        step = 1
        # odd, and prime to the stride, so that every phase of a transposed convolution is seen
        while x.shape[0] * -(-height // step) * -(-width // step) > MOST_ROWS or math.gcd(step, phases) > 1:
            step += 2
        if self._transposed:
            x, stride = self._spread(x), (1, 1)
            columns = F.unfold(x, layer.kernel_size, stride=(step, step))
        else:
            stride = tuple(step * s for s in layer.stride)
            mode = 'constant' if layer.padding_mode == 'zeros' else layer.padding_mode
            x = F.pad(x, layer._reversed_padding_repeated_twice, mode=mode)
            columns = F.unfold(x, layer.kernel_size, layer.dilation, stride=stride)
        inputs = columns.transpose(1, 2).flatten(0, 1)
        if layer.bias is not None:
            inputs = torch.cat([inputs, inputs.new_ones(len(inputs), 1)], dim=1)
        return inputs, target[:, :, ::step, ::step].permute(0, 2, 3, 1).flatten(0, 2)

    def _spread(self, x: Tensor) -> Tensor:
        """What a convolution of stride one has to see to do what the transposed one does."""
        (sh, sw), (kh, kw) = self._layer.stride, self._layer.kernel_size
        (ph, pw), (oh, ow) = self._layer.padding, self._layer.output_padding
        n, c, h, w = x.shape
        spread = x.new_zeros(n, c, (h - 1) * sh + 1, (w - 1) * sw + 1)
        spread[:, :, ::sh, ::sw] = x
        return F.pad(spread, [kw - 1 - pw, kw - 1 - pw + ow, kh - 1 - ph, kh - 1 - ph + oh])


def fit(
    layer: nn.Conv2d | nn.ConvTranspose2d, x: Tensor, target: Tensor, ridge: float = RIDGE
) -> tuple[float, float]:
    """Give the layer the weights W of least |X W - Y|^2 + ridge |W - W_now|^2.

    Args:
        x: its input, (N, C, H, W).
        target: what it should make of it, of the shape of its output.
        ridge: how much the present weights count, in units of the inputs' mean square summed over the rows.

    Returns:
        The mean squared residual over the target's variance, before and after.
    """
    fitted = Fitted(layer)
    inputs, outputs = (part.double() for part in fitted.rows(x.float(), target.float()))
    matrix = fitted.matrix.double()
    residual = outputs - inputs @ matrix
    ridge = ridge * inputs.square().sum(0).mean().clamp(min=1e-12)
    if len(inputs) < inputs.shape[1]:  # the smaller of two equal systems
        gram = inputs @ inputs.t()
        gram.diagonal().add_(ridge)
        change = inputs.t() @ torch.linalg.solve(gram, residual)
    else:
        gram = inputs.t() @ inputs
        gram.diagonal().add_(ridge)
        change = torch.linalg.solve(gram, inputs.t() @ residual)
    fitted.matrix = (matrix + change).to(layer.weight.dtype)
    variance = outputs.var().clamp(min=1e-12)
    after = residual - inputs @ change
    return tuple(float(error.square().mean() / variance) for error in (residual, after))
