"""The styles w of a StyleGAN2 generator: those of a call, the network at others, and the ways to go there."""

import re
from collections.abc import Callable

import torch
from mmagic.models.editors.stylegan2.stylegan2_generator import StyleGAN2Generator
from torch import Tensor, nn

from ..utils.errors import ConfigError
from .taps import for_this

STRONGEST = 5  # of the directions of one resolution, as published


class StyleTap:
    """Keeps the styles that a StyleGAN2 generator has used, in the calls for which ``counts()`` holds.

    Args:
        network: the generator, without wrappers.
        counts: whether the call that runs is one to remember.
        whose: for messages.

    Attributes:
        w: (N, layers, C), style mixing included, with its graph; None before such a call.

    Raises:
        ConfigError: it is another kind of network.
    """

    def __init__(self, network: nn.Module, counts: Callable[[], bool], whose: str) -> None:
        if not isinstance(network, StyleGAN2Generator):
            raise ConfigError(
                f'{whose} is a {type(network).__name__}, and only a StyleGAN2Generator has styles that can be '
                'moved: use another objective'
            )
        self._network, self._counts = network, counts
        self.w: Tensor | None = None
        first = network.constant_input  # which is given the styles of all layers
        self._handle = first.register_forward_pre_hook(for_this(first, self._before))

    def _before(self, module: nn.Module, args: tuple) -> None:
        if self._counts():
            self.w = args[0]

    def call(self, w: Tensor) -> Tensor:
        """The image of these styles (N, layers, C), by way of every layer."""
        return self._network([w], input_is_latent=True)

    def remove(self) -> None:
        self.w = None
        self._handle.remove()


def directions(generator: nn.Module, resolutions: int) -> Tensor:
    """Where the features of a StyleGAN2 generator change most: (n, C), each of length 1.

    Of each of the first ``resolutions`` from 8 px on the strongest eigenvectors of A^T A, with the normalised
    rows of both layers' style modulation as A: Shen and Zhou, "Closed-Form Factorization of Latent Semantics
    in GANs", CVPR 2021, equation 6.
    """
    found = []
    convs = list(generator.convs)
    for pair in zip(convs[::2], convs[1::2], strict=True):
        rows = torch.cat([layer.conv.style_modulation.linear.weight_orig for layer in pair]).detach().double()
        rows = rows / rows.norm(dim=1, keepdim=True)
        found.append(torch.linalg.eigh(rows.t() @ rows).eigenvectors[:, -STRONGEST:].t())
    return torch.cat(found[:resolutions]).float()


def resolution_of(path: str) -> int:
    """Which of the resolutions from 8 px on, counted from 1, has the layer at a path in the generator."""
    number = re.match(r'convs\.(\d+)', path)
    return int(number[1]) // 2 + 1 if number else 1
