"""What a network costs: parameters, multiply-accumulates per image in two conventions, milliseconds."""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ..utils.rng import RandomState, replayed
from .operations import macs_of

aten = torch.ops.aten


class Complexity(NamedTuple):
    """Size and cost of one network for one image.

    Attributes:
        params: number of learnable values.
        macs: multiply-accumulates that the convolutions and matrix products perform. A transposed
            convolution multiplies its filter once per *input* pixel; MMEngine counts so too.
        macs_paper: the same with transposed convolutions at *output* resolution, four times as many
            for each upsampling by two. This is how the papers on compressing Pix2Pix and CycleGAN
            count (U-Net-256 18.14 G, ResNet-9 56.80 G). Those on StyleGAN2 do not: their 45.1 G at
            256 px is ``macs``.
    """

    params: int
    macs: float
    macs_paper: float


def complexity(network: nn.Module, *inputs: Tensor) -> Complexity:
    """Count ``network(*inputs)`` in evaluation mode; the batch size is that of the first input.

    Counted are convolutions and matrix products, whether a module or a function performs them, also
    grouped, depthwise, modulated and deformable ones, and those within attention and recurrent layers.
    Not counted are element-wise operations, normalisation, interpolation and the fixed filters of modules
    that learn nothing (StyleGAN2's blurs), as in the papers. Networks and inputs on the 'meta' device are
    counted without computing anything.
    """
    params = sum(parameter.numel() for parameter in network.parameters())
    counter = _MacCounter()
    with _evaluating(network), _marking_fixed_filters(network, counter), counter:
        network(*inputs)
    batch = inputs[0].shape[0]
    return Complexity(params, counter.macs / batch, counter.macs_paper / batch)


def latency(network: nn.Module, *inputs: Tensor, repeats: int = 20) -> float:
    """Median milliseconds of one ``network(*inputs)`` in evaluation mode, divided by the batch size.

    Three unmeasured calls come first; an accelerator is waited for around every measured one.
    """
    device = inputs[0].device
    with _evaluating(network):
        seconds = [_seconds(network, inputs, device) for _ in range(3 + repeats)][3:]
    return 1000 * statistics.median(seconds) / inputs[0].shape[0]


def _seconds(network: nn.Module, inputs: tuple[Tensor, ...], device: torch.device) -> float:
    _synchronize(device)
    start = time.perf_counter()
    network(*inputs)
    _synchronize(device)
    return time.perf_counter() - start


def _synchronize(device: torch.device) -> None:
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """Evaluation mode, no gradients; the modes and the random state are as before afterwards."""
    modes = {module: module.training for module in network.modules()}
    device = next((parameter.device for parameter in network.parameters()), torch.device('cpu'))
    network.eval()
    try:
        with torch.no_grad(), replayed(RandomState.capture(device)):
            yield
    finally:
        for module, training in modes.items():
            module.training = training


class _MacCounter(TorchDispatchMode):
    """Sees every operation below autograd, so modules and plain functions alike."""

    def __init__(self) -> None:
        super().__init__()
        self.macs = self.macs_paper = 0
        self.fixed_filter_depth = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        macs = macs_paper = macs_of(func, args, kwargs or {}, out)
        if func.overloadpacket is aten.convolution:
            if self.fixed_filter_depth:
                return out
            # the weight's shape already accounts for groups
            macs_paper = args[0].shape[0] * args[1].numel() * prod(out.shape[2:])
        self.macs += macs
        self.macs_paper += macs_paper
        return out


@contextmanager
def _marking_fixed_filters(network: nn.Module, counter: _MacCounter) -> Iterator[None]:
    """Tell the counter when the network is inside a module without learnable values."""

    def enter(module: nn.Module, args: tuple) -> None:
        counter.fixed_filter_depth += 1

    def leave(module: nn.Module, args: tuple, output: Any) -> None:
        counter.fixed_filter_depth -= 1

    handles = []
    for module in network.modules():
        if next(module.parameters(), None) is None:
            handles.append(module.register_forward_pre_hook(enter))
            handles.append(module.register_forward_hook(leave))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
