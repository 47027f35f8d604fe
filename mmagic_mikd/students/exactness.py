"""The numerical test of a slice: where a teacher's other channels are zeros, its student makes its images."""

import copy
from collections.abc import Callable, Mapping, Set
from typing import Any

import torch
from torch import Tensor, nn

from .layer_rules import ACROSS
from .pruning import IndexSets

TOLERANCE = 1e-3  # of the spread of the images


def difference(
    student: nn.Module,
    weights: Mapping[str, Tensor],
    teacher: nn.Module,
    sets: IndexSets,
    call: Callable[[nn.Module], Tensor],
) -> float:
    """How far a sliced student's image is from that of its teacher without the other channels.

    Means over all channels are left out in both, since that of a part is another.

    Args:
        weights: the slices.
        call: runs a network on what it is given, and returns its image.

    Returns:
        The root of the mean squared difference, over the standard deviation of the teacher's image.
    """
    wide, narrow = (copy.deepcopy(network).eval() for network in (teacher, student))
    narrow.load_state_dict(weights, strict=False)
    silence(wide, sets, {name for name, _ in student.named_parameters()})
    with torch.no_grad():
        theirs, mine = (call(_without_means(network)).double() for network in (wide, narrow))
    return float((theirs - mine).square().mean().sqrt() / theirs.std().clamp(min=1e-12))


def silence(teacher: nn.Module, sets: IndexSets, names: Set[str]) -> None:
    """Zeros for every weight of the channels, and of the blocks, that a student does not have."""
    for name, weight in teacher.named_parameters():
        if name not in names:
            weight.data.zero_()
        for dimension in range(weight.dim()):
            kept = sets.along(name, dimension)
            if kept is not None:
                gone = torch.ones(weight.shape[dimension], dtype=torch.bool)
                gone[kept] = False
                weight.data.index_fill_(dimension, gone.nonzero()[:, 0].to(weight.device), 0)


def _without_means(network: nn.Module) -> nn.Module:
    for module in network.modules():
        if isinstance(module, ACROSS):
            vars(module)['forward'] = _same
    return network


def _same(x: Tensor, *_: Any) -> Tensor:
    return x
