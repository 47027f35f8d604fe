"""Layers of the critic: spectrally normalised, and pooled within their own convolution."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize


class SpectralNorm(nn.Module):
    """Parametrisation W -> W / sigma(W), with sigma a constant in the backward pass.

    ``upper_bound_only`` gives W / max(sigma, 1): it shrinks a weight whose norm exceeds one and never
    amplifies a smaller one, so that a branch may start at zero. Each evaluation in training mode does
    one power iteration; ``u`` and ``v`` are buffers and depend on the weight alone, never on data.
    """

    def __init__(self, weight: Tensor, upper_bound_only: bool = False) -> None:
        super().__init__()
        self.upper_bound_only = upper_bound_only
        matrix = weight.detach().flatten(1)
        self.register_buffer('u', F.normalize(torch.randn(matrix.size(0)), dim=0))
        self.register_buffer('v', F.normalize(torch.randn(matrix.size(1)), dim=0))
        for _ in range(15):  # as torch.nn.utils.parametrizations: start from a settled estimate
            self._power_iteration(matrix)

    @torch.no_grad()
    def _power_iteration(self, matrix: Tensor) -> None:
        self.v.copy_(F.normalize(matrix.t() @ self.u, dim=0))
        self.u.copy_(F.normalize(matrix @ self.v, dim=0))

    def forward(self, weight: Tensor) -> Tensor:
        matrix = weight.detach().flatten(1)
        if self.training:
            self._power_iteration(matrix)
        sigma = torch.dot(self.u, matrix @ self.v)
        return weight / (sigma.clamp(min=1) if self.upper_bound_only else sigma)


class PooledKernel(nn.Module):
    """Parametrisation W (3 x 3) -> W (4 x 4): convolution, then average pooling by two, as one convolution.

    Both are linear, so their composition is the convolution with the mean of the four shifted kernels, for 16
    multiply-accumulates at each pooled position in place of 36.
    """

    def forward(self, weight: Tensor) -> Tensor:
        return F.avg_pool2d(weight, 2, stride=1, padding=1)


def pooled(layer: nn.Conv2d) -> nn.Conv2d:
    """A 3 x 3 convolution that is followed by average pooling by two; its weights keep shape and names."""
    layer.stride = (2, 2)
    parametrize.register_parametrization(layer, 'weight', PooledKernel(), unsafe=True)
    return layer


def spectral(layer: nn.Module, weight_std: float = 1.0, upper_bound_only: bool = False) -> nn.Module:
    nn.init.normal_(layer.weight, std=weight_std)
    nn.init.zeros_(layer.bias)
    norm = SpectralNorm(layer.weight, upper_bound_only)
    # unsafe: the check would evaluate, i.e. power-iterate, a parametrisation known to keep the shape
    parametrize.register_parametrization(layer, 'weight', norm, unsafe=True)
    return layer
