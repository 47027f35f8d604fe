"""A generator as it ships: a function of one input, whose result does not depend on the rest of a batch."""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.utils.spectral_norm import SpectralNorm, remove_spectral_norm

from ..host.locate import image_of
from .modulated import share_weights

STATISTICS = ('image', 'frozen')


class PerImageNorm(nn.Module):
    """What batch normalisation in training mode does to an image by itself: instance normalisation."""

    def __init__(self, norm: _BatchNorm) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps

    def forward(self, x: Tensor) -> Tensor:
        return F.instance_norm(x, weight=self.weight, bias=self.bias, eps=self.eps)


class Deployed(nn.Module):
    """The generator's image of one tensor, noise fixed, weights as they are multiplied.

    Both of PyTorch's exporters write a network in training mode with its running statistics, and without a
    word: another network than the toolbox evaluates. So nothing is left here that depends on a mode.

    Args:
        generator: of the toolbox; it is copied.
        statistics: of batch normalisation: 'image', those of each image; 'frozen', the running ones.
        output: where the image is in what it returns, see :func:`image_of`.
    """

    def __init__(self, generator: nn.Module, statistics: str, output: int | str | None = None) -> None:
        super().__init__()
        self.network = _replaced(copy.deepcopy(generator).float(), statistics).eval().requires_grad_(False)
        self.takes_latents = takes_latents(generator)
        self._fixed = dict(randomize_noise=False) if hasattr(generator, 'injected_noise_0') else {}
        self._output = output
        _bake(self.network)
        share_weights(self.network)  # of the baked ones

    def train(self, mode: bool = True) -> 'Deployed':
        """It has one mode, whatever a model of the toolbox switches to before it evaluates."""
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Image (N, C, H, W) of an image, or of a latent (N, D)."""
        return image_of(self.network(x, **self._fixed), self._output)


def takes_latents(generator: nn.Module) -> bool:
    """Whether it makes images of noise, not of images."""
    return isinstance(getattr(generator, 'noise_size', None), int)


def depends_on_batch(generator: nn.Module) -> bool:
    """Whether it has batch normalisation, whose statistics have to be chosen."""
    return any(isinstance(module, _BatchNorm) for module in generator.modules())


def _replaced(module: nn.Module, statistics: str) -> nn.Module:
    for name, child in module.named_children():
        if isinstance(child, _DropoutNd):
            setattr(module, name, nn.Identity())
        elif isinstance(child, _BatchNorm):
            if statistics == 'image' or not child.track_running_stats:
                setattr(module, name, PerImageNorm(child))
        else:
            _replaced(child, statistics)
    return module


@torch.no_grad()
def _bake(network: nn.Module) -> None:
    """Weights that a hook or a parametrisation computes in every call become parameters."""
    for module in network.modules():
        for number, hook in list(module._forward_pre_hooks.items()):
            if isinstance(hook, SpectralNorm):
                remove_spectral_norm(module, hook.name)
            elif hasattr(hook, 'compute_weight') and hasattr(module, f'{hook.name}_orig'):  # equalised rate
                weight = hook.compute_weight(module).detach()
                del module._forward_pre_hooks[number], module._parameters[f'{hook.name}_orig']
                vars(module).pop(hook.name, None)
                module.register_parameter(hook.name, nn.Parameter(weight, requires_grad=False))
        for name in list(getattr(module, 'parametrizations', {})):
            nn.utils.parametrize.remove_parametrizations(module, name)
