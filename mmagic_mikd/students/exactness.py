"""The numerical test of a slice: where a teacher's other channels are zeros, its student makes its images."""

from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
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
    with torch.no_grad(), _borrowed(teacher), _borrowed(student):
        silence(teacher, sets, {name for name, _ in student.named_parameters()})
        student.load_state_dict(weights, strict=False)
        theirs, mine = (call(network).double() for network in (teacher, student))
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


@contextmanager
def _borrowed(network: nn.Module) -> Iterator[None]:
    """To be evaluated with other weights, and without means over channels; as it was afterwards."""
    weights = {name: weight.clone() for name, weight in network.state_dict().items()}
    modes = [(module, module.training) for module in network.modules()]
    for module, _ in modes:
        module.training = False
        if isinstance(module, ACROSS):
            vars(module)['forward'] = _same
    try:
        yield
    finally:
        network.load_state_dict(weights)
        for module, training in modes:
            module.training = training
            if isinstance(module, ACROSS):
                del vars(module)['forward']


def _same(x: Tensor, *_: Any) -> Tensor:
    return x
