"""Bias, leaky ReLU and a gain in one call (StyleGAN2, https://arxiv.org/abs/1912.04958, section 2)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def fused_bias_leakyrelu(
    input: Tensor, bias: Tensor | None, negative_slope: float = 0.2, scale: float = 2**0.5
) -> Tensor:
    """`scale * leaky_relu(input + bias)`; `bias` (C,) runs along dimension 1 of `input` (N, C, ...)."""
    if bias is not None:
        input = input + bias.to(input.dtype).reshape(1, -1, *[1] * (input.ndim - 2))
    return F.leaky_relu(input, negative_slope) * scale


class FusedBiasLeakyReLU(nn.Module):
    """`fused_bias_leakyrelu` with a learned bias of `num_channels`, zero at the start."""

    def __init__(self, num_channels: int, negative_slope: float = 0.2, scale: float = 2**0.5) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(num_channels))
        self.negative_slope = negative_slope
        self.scale = scale

    def forward(self, input: Tensor) -> Tensor:
        return fused_bias_leakyrelu(input, self.bias, self.negative_slope, self.scale)
