"""The numerical test of a slice: where a teacher's other channels are zeros, its student makes its images."""

import math
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..host.locate import image_of
from ..host.training_calls import Given
from ..utils.errors import ConfigError
from .layer_rules import ACROSS
from .pruning import IndexSets
from .rescale import rescale
from .slices import Slices

TOLERANCE = 1e-3  # of the spread of the images


def difference(
    student: nn.Module,
    weights: Mapping[str, Tensor],
    teacher: nn.Module,
    sets: 'IndexSets | FirstChannels',
    call: Callable[[nn.Module], Tensor],
) -> float:
    """How far a sliced student's image is from that of its teacher without the other channels.

    Means over all channels are left out in both, since that of a part is another.

    Args:
        weights: the slices.
        call: runs a network on what it is given, and returns its image.

    Returns:
        The root of the mean squared difference, over the standard deviation of the teacher's image; nan where
        they are of other sizes.
    """
    with torch.no_grad(), _borrowed(teacher), _borrowed(student):
        silence(teacher, sets, {name for name, _ in student.named_parameters()})
        _fill(student, weights)
        theirs, mine = (call(network).double() for network in (teacher, student))
        if theirs.shape != mine.shape:
            return math.nan
    return float((theirs - mine).square().mean().sqrt() / theirs.std().clamp(min=1e-12))


class FirstChannels:
    """The entries of a teacher's axes that its student has as :class:`Slices` say."""

    def __init__(self, student: nn.Module, teacher: nn.Module) -> None:
        self._slices = Slices(student, teacher)
        self._narrow, self._wide = student.state_dict(), teacher.state_dict()

    def along(self, name: str, dimension: int) -> Tensor | None:
        if name not in self._narrow:
            return None
        return self._slices.channels(name, self._wide[name], self._narrow[name], dimension)


def require_slice(pair: Any, weights: Mapping[str, Tensor], call: Given, where: str) -> None:
    """Refuse slices of a teacher of the same depth that are no smaller version of it.

    What a layer takes from its own width is made up for here, and is left to the training where it starts. Of
    fewer blocks nothing is asked: RRDB's without weights still scale what they are given.

    Args:
        weights: the slices of the whole student.
        call: what the student is given in training.

    Raises:
        ConfigError: the teacher without its other channels makes other images.
    """
    student, teacher, call = pair.student, pair.teacher, call.few()
    if {name for name, _ in teacher.named_parameters()} - {name for name, _ in student.named_parameters()}:
        return
    with torch.autocast(next(student.parameters()).device.type, enabled=False):
        off = difference(
            student,
            rescale(dict(weights), student, teacher),
            teacher,
            FirstChannels(student, teacher),
            lambda network: image_of(call.to(network), pair.output),
        )
    if off >= TOLERANCE:
        raise ConfigError(
            f"{where}='sliced': without its other channels the teacher of {pair.path!r} makes other images "
            f'than this student with its first ones (they differ by {off:.1%} of their spread): take '
            "dict(type='pruned'), which follows channels, or leave `start` out"
        )


def silence(teacher: nn.Module, sets: IndexSets | FirstChannels, names: Set[str]) -> None:
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
        _fill(network, weights)
        for module, training in modes:
            module.training = training
            if isinstance(module, ACROSS):
                del vars(module)['forward']


def _fill(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Unseen by autograd, as a graph may hold these weights, and they will be what they were."""
    for name, tensor in network.state_dict(keep_vars=True).items():
        if name in weights:
            tensor.data.copy_(weights[name])


def _same(x: Tensor, *_: Any) -> Tensor:
    return x
