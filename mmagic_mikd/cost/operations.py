"""Multiply-accumulates of one operation of PyTorch, as a dispatch mode sees it."""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

from torch import Tensor
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop_count, sdpa_flop_count


def macs_of(function: Any, args: tuple, kwargs: Mapping, out: Any) -> float:
    """Of convolutions and matrix products, alone or within attention and recurrent layers; else 0.

    Args:
        function: an ``OpOverload``, called with ``args`` and ``kwargs``.
        out: what it made of them.
    """
    operation = function.overloadpacket
    if operation in flop_registry:
        return flop_registry[operation](*args, **kwargs, out_val=out) / 2
    own = OTHERS.get(str(operation))
    return own(*args) if own else 0


def _deformed(weight: Tensor, pixels: Tensor) -> int:
    """A convolution with one filter for each of the pixels, (N, C, H, W); its sampling is not counted."""
    return pixels.shape[0] * prod(pixels.shape[2:]) * weight.numel()


def _encoder(x: Tensor, *weights: Tensor) -> int:
    """Self-attention among the tokens of x, (N, L, C), and layers that each token goes through."""
    return x[..., 0].numel() * (sum(weight.numel() for weight in weights) + 2 * x.shape[1] * x.shape[2])


def _recurrent(x: Tensor, own: Tensor, hidden: Tensor) -> int:
    """One layer in one direction over x, (L, N, C)."""
    return x[..., 0].numel() * (own.numel() + hidden.numel())


def _attention(*tensors: Tensor) -> float:
    return sdpa_flop_count(*(tensor.shape for tensor in tensors)) / 2


def _attention_backward(*tensors: Tensor) -> float:
    return sdpa_backward_flop_count(*(tensor.shape for tensor in tensors)) / 2


# what PyTorch's own counter does not know: fused operations of the CPU, and those of torchvision
OTHERS: dict[str, Callable[..., float]] = {
    'aten.mv': lambda matrix, *_: matrix.numel(),
    'aten.addmv': lambda bias, matrix, *_: matrix.numel(),
    'aten.dot': lambda vector, *_: vector.numel(),
    'aten._scaled_dot_product_flash_attention_for_cpu': lambda *a: _attention(*a[:3]),
    'aten._scaled_dot_product_flash_attention_for_cpu_backward': lambda *a: _attention_backward(*a[:4]),
    'aten._native_multi_head_attention': lambda *a: _encoder(a[0], a[5], a[7]),
    'aten._transformer_encoder_layer_fwd': lambda *a: _encoder(a[0], a[3], a[5], a[14], a[16]),
    'aten.mkldnn_rnn_layer': lambda *a: _recurrent(*a[:3]),
    'aten.mkldnn_rnn_layer_backward': lambda *a: 2 * _recurrent(*a[:3]),
    # every output pixel has its own samples of the input, as many as the offsets have pixels
    'torchvision.deform_conv2d': lambda x, weight, offset, *_: _deformed(weight, offset),
    'torchvision._deform_conv2d_backward': lambda grad, x, weight, *_: 2 * _deformed(weight, grad),
}
