"""Scores of channels: which of a teacher's its student keeps."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from mmagic.models.editors.stylegan2.stylegan2_modules import ModulatedToRGB
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from ..objectives.content_mask import ContentMask
from ..utils.errors import ConfigError
from .units import Axis, Units

Call = Callable[[nn.Module], Any]  # runs a network on what it was given in training, and returns its image
PLACES = ('first', 'even', 'random')
SCORES = ('l1', 'gamma', 'activation', 'content', 'latent')
CRITERIA = (*PLACES, *SCORES)
SALT = 0.05  # share of the content's pixels that become black or white (CAGC)
DIRECTIONS, STEP, LATENTS = 10, 5.0, 10_000  # DCP


def chooser(criterion: str, scores: Tensor | None, seed: int) -> Callable[[list[int], int], list[int]]:
    """Which units of a group are kept, in the order in which they stand.

    Args:
        criterion: 'first', 'even' (evenly spaced) or 'random'; of any other name the highest ``scores``.
    """
    generator = torch.Generator().manual_seed(seed)

    def choose(units: list[int], count: int) -> list[int]:
        if criterion == 'first':
            places = torch.arange(count)
        elif criterion == 'even':
            places = torch.arange(count) * len(units) // count
        elif criterion == 'random':
            places = torch.randperm(len(units), generator=generator)[:count]
        else:
            places = scores[units].argsort(descending=True, stable=True)[:count]
        return [units[place] for place in places.sort().values.tolist()]

    return choose


def scores_of(
    criterion: str, network: nn.Module, units: Units, calls: Sequence[Call], **given: Any
) -> Tensor:
    """The score of each unit of a trained network.

    Args:
        calls: what the network was given; at least one where the criterion asks it.
        given: ``mask`` for 'content'; for 'latent' the number of ``latents``, 5000 in DCP.

    Raises:
        ConfigError: the network has not what the criterion looks at.
    """
    if criterion == 'l1':
        return _total(units, dict(_filters(network, units)))
    if criterion == 'gamma':
        return _gamma(network, units)
    if criterion == 'activation':
        return _total(units, _activations(network, units, calls))
    if criterion == 'content':
        return _content(network, units, calls, given['mask'])
    return _latent(network, units, given['latents'])


def _total(units: Units, of_axes: dict[Axis, Tensor]) -> Tensor:
    """Of each unit, the sum over the axes on which it stands."""
    count = 1 + max(int(ids.max()) for ids in units.axes.values())
    total = torch.zeros(count, dtype=torch.double)
    for axis, values in of_axes.items():
        ids = units.axes[axis]
        total.index_add_(0, ids[ids >= 0], values.double().cpu()[ids >= 0])
    return total


def _filters(network: nn.Module, units: Units) -> Iterator[tuple[Axis, Tensor]]:
    """Sum of the magnitudes of each filter (Li et al., "Pruning Filters for Efficient ConvNets", ICLR 2017)."""
    weights = dict(network.named_parameters(remove_duplicate=False))
    for name, dimension in units.outputs:
        yield (name, dimension), weights[name].detach().abs().movedim(dimension, 0).flatten(1).sum(1)


def _gamma(network: nn.Module, units: Units) -> Tensor:
    """Scale of the norm (Liu et al., "Network Slimming", ICCV 2017); the filters' size where none follows."""
    weights = dict(network.named_parameters(remove_duplicate=False))
    scales = {axis: weights[axis[0]].detach().abs() for axis in units.scales}
    if not scales:
        raise ConfigError("the network has no norm with a scale: take criterion='l1'")
    total, found = _total(units, scales), _total(units, {a: torch.ones_like(v) for a, v in scales.items()})
    return torch.where(found > 0, total, _total(units, dict(_filters(network, units))))


def _activations(network: nn.Module, units: Units, calls: Sequence[Call]) -> dict[Axis, Tensor]:
    """Mean magnitude of what the layers read."""
    total: dict[Axis, Tensor] = {}
    handles = []

    def look(axis: Axis, layer: nn.Module, args: tuple, kwargs: dict) -> None:
        read = next(leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor))
        channels = read.movedim(-1 if isinstance(layer, nn.Linear) else 1, 0)
        total[axis] = total.get(axis, 0) + channels.abs().flatten(1).mean(1)

    for axis in units.inputs:
        layer = network.get_submodule(axis[0].rpartition('.')[0])
        handles.append(layer.register_forward_pre_hook(partial(look, axis), with_kwargs=True))
    try:
        with torch.no_grad():
            for call in calls:
                call(network)
    finally:
        for handle in handles:
            handle.remove()
    return total


def _content(network: nn.Module, units: Units, calls: Sequence[Call], mask: ContentMask) -> Tensor:
    """Sensitivity of the content (Liu et al., "Content-Aware GAN Compression", CVPR 2021).

    The mean of |dL / dw| over what a channel is read with, L being the L1 distance of the image to itself with
    noise of salt and pepper within the mask.
    """
    total = 0
    for call in calls:
        with _differentiable(network, units) as weights:
            image = call(network)
            noisy = salted(image.detach(), mask.inside(image))
            total = total + _sensitivity(units, weights, (image - noisy).abs().mean())
    return total


def salted(images: Tensor, inside: Tensor) -> Tensor:
    """Images (N, C, H, W) in which 5 % of the pixels inside are black, -1, or white, 1, in all channels."""
    hit, salt = torch.rand_like(images[:, None, 0]), torch.rand_like(images[:, None, 0]).round() * 2 - 1
    return torch.where((hit < SALT) & inside, salt, images)


def _latent(network: nn.Module, units: Units, latents: int) -> Tensor:
    """Spread of the sensitivity over directions in latent space (Chung et al., "DCP-GAN", CVPR 2024).

    The variance over directions d of the mean of |dL / dw|, L being |I(w + 5 d) - I(w)|; directions are
    principal ones of the latents, drawn as often as they explain of the variance. I(w + 5 d) is a constant, as
    the released code means it to be; there it is not, for `generator.requires_grad = False` does nothing.
    """
    if not hasattr(network, 'style_mapping'):
        raise ConfigError("criterion='latent' asks for a `style_mapping`, as StyleGAN2 has one: take 'l1'")
    device = next(network.parameters()).device
    with torch.no_grad():
        many = network.style_mapping(torch.randn(LATENTS, network.noise_size, device=device))
        _, spread, directions = torch.pca_lowrank(many, q=min(many.shape))
    likely = spread.square() / spread.square().sum()
    total = 0
    for w in many[:latents]:
        found = []
        for number in torch.multinomial(likely, DIRECTIONS, replacement=True):
            with _differentiable(network, units) as weights:
                here, there = (
                    network(place[None], input_is_latent=True, randomize_noise=False)
                    for place in (w, w + STEP * directions[:, number])
                )
                found.append(_sensitivity(units, weights, (there.detach() - here).abs().mean()))
        total = total + torch.stack(found).var(0)
    return total


@contextmanager
def _differentiable(network: nn.Module, units: Units) -> Iterator[dict[Axis, Tensor]]:
    """The weights that read channels, as variables for a moment.

    Of StyleGAN2's layers to RGB that is the last alone, as in the released code of both criteria.
    """
    weights = dict(network.named_parameters(remove_duplicate=False))
    to_rgb = [path for path, layer in network.named_modules() if isinstance(layer, ModulatedToRGB)]
    passed_by = tuple(f'{path}.' for path in to_rgb[:-1])
    found = {axis: weights[axis[0]] for axis in sorted(units.inputs) if not axis[0].startswith(passed_by)}
    frozen = [weight for weight in found.values() if not weight.requires_grad]
    for weight in frozen:
        weight.requires_grad_(True)
    try:
        with torch.enable_grad():
            yield found
    finally:
        for weight in frozen:
            weight.requires_grad_(False)


def _sensitivity(units: Units, weights: dict[Axis, Tensor], loss: Tensor) -> Tensor:
    gradients = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
    found = zip(weights, gradients, strict=True)
    return _total(units, {a: g.abs().movedim(a[1], 0).flatten(1).mean(1) for a, g in found if g is not None})
