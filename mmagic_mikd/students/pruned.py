"""A student that starts as the channels of its teacher that a criterion chooses."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from mmengine import dist
from mmengine.logging import print_log
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

from ..host.locate import image_of
from ..host.training_calls import Given, unchanged_buffers
from ..objectives.content_mask import ContentMask
from ..utils.errors import ConfigError
from .criteria import PLACES, chooser, scores_of
from .exactness import TOLERANCE, difference
from .pruning import IndexSets
from .refit import LayerwiseFit, tell
from .rescale import rescale
from .units import Units, follow


class Pruned:
    """The weights of one student, chosen from its teacher's.

    Args:
        pair: of student and teacher.
        calls: what the student is given in training.
        options: ``criterion``, a name in :data:`mmagic_mikd.students.criteria.CRITERIA`, ``refit``,
            ``statistics``, ``seed`` and ``mask``, see :class:`mmagic_mikd.engine.hook.DistillRunner`.
        where: the key in the config.

    Raises:
        ConfigError: which channels belong together is not known, or the criterion cannot be applied.
    """

    def __init__(self, pair: Any, calls: Sequence[Given], options: Mapping[str, Any], where: str) -> None:
        self._pair, self._given, self._options, self._where = pair, calls, options, where
        student, teacher = pair.student, pair.teacher
        try:
            self._sets = self._chosen()
            wide = teacher.state_dict()
            weights = {
                name: self._sets.of(name, wide[name], weight.shape)
                for name, weight in student.state_dict().items()
                if name in wide
            }
        except ConfigError as error:
            raise ConfigError(f'{where}: {error}') from error
        self.weights = rescale(weights, student, teacher)
        self._require_exact()

    def _chosen(self) -> IndexSets:
        student, teacher, options = self._pair.student, self._pair.teacher, self._options
        criterion, seed = options.get('criterion', 'first'), options.get('seed', 0)
        first = self._given[0].few().to
        units = []
        for network, other in ((student, teacher), (teacher, student)):
            with unchanged_buffers(network):
                units.append(follow(network, first, other.state_dict()))
        mine, theirs = units
        scores = None if criterion in PLACES else self._scores(criterion, theirs, seed)
        sets = IndexSets(mine, theirs, chooser(criterion, scores, seed))
        kept, whole = sum(n for _, n in sets.groups), sum(len(units) for units, _ in sets.groups)
        print_log(
            f"{self._where}: {kept} of the teacher's {whole} channels, by {criterion!r}, in {len(sets.groups)} "
            'groups that share an index set',
            'current',
        )
        return sets

    def _scores(self, criterion: str, units: Units, seed: int) -> Tensor:
        mask = self._options.get('mask')
        if criterion == 'content' and mask is None:
            raise ConfigError("criterion='content' asks for `mask`, a picture in which the content is white")
        samples = sum(_samples(call) for call in self._given)
        given = dict(mask=mask and ContentMask(mask), latents=samples)
        calls = [self._image(call) for call in self._given]
        teacher = self._pair.teacher
        with torch.random.fork_rng(), unchanged_buffers(teacher):
            torch.manual_seed(seed)
            return scores_of(criterion, teacher, units, calls, **given)

    def _image(self, given: Given) -> Callable[[nn.Module], Tensor]:
        return lambda network: image_of(given.to(network), self._pair.output)

    def finish(self, path: str, held: bool) -> None:
        """What follows once the student has the weights.

        Args:
            path: of the layer within the generator that is started.
            held: whether it has kept weights of its own, which are then not to be fitted.

        """
        student, teacher = self._pair.student, self._pair.teacher
        refit = self._options.get('refit', False)
        if refit and not held:
            fit = LayerwiseFit(student, teacher, path, self._kept)
            tell(fit.to(joined(self._given).to), self._pair.path, self._where)
        if self._options.get('statistics', refit) and not held:
            estimate_statistics(student, [call.to for call in self._given])
        for tensor in student.state_dict().values():
            dist.broadcast(tensor, src=0)

    def _kept(self, name: str, wide: Tensor, weight: Tensor, dimension: int) -> Tensor:
        kept = self._sets.along(name, dimension)
        return torch.arange(wide.shape[dimension]) if kept is None else kept

    def _require_exact(self) -> None:
        student, teacher, image = self._pair.student, self._pair.teacher, self._image(self._given[0].few())
        off = difference(student, self.weights, teacher, self._sets, image)
        if not off < TOLERANCE:
            raise ConfigError(
                f'{self._where}: without its other channels the teacher of {self._pair.path!r} makes other '
                f'images than this student with its weights (they differ by {off:.1%} of their spread), so '
                'something depends on the number of channels that is not known here: leave `start` out'
            )


def _samples(call: Given) -> int:
    """How many it makes, as told by the first tensor; one where there is none."""
    leaves = tree_leaves((call.args, call.kwargs))
    return next((leaf.shape[0] for leaf in leaves if isinstance(leaf, Tensor) and leaf.dim()), 1)


def joined(calls: Sequence[Given]) -> Given:
    """Several calls as one with all their samples, where they differ in nothing else; else the first."""
    flat = [tree_flatten((call.args, call.kwargs)) for call in calls]
    if any(spec != flat[0][1] for _, spec in flat):
        return calls[0]
    leaves = []
    for values in zip(*(values for values, _ in flat), strict=True):
        if all(isinstance(value, Tensor) and value.dim() for value in values):
            if len({value.shape[1:] for value in values}) > 1:
                return calls[0]
            leaves.append(torch.cat(values))
        elif any(isinstance(value, Tensor) or value != values[0] for value in values):
            return calls[0]
        else:
            leaves.append(values[0])
    args, kwargs = tree_unflatten(leaves, flat[0][1])
    return Given(args, kwargs, calls[0].random_state)


def estimate_statistics(network: nn.Module, calls: Sequence[Callable[[nn.Module], Any]]) -> None:
    """Running means and variances as they are over these calls, whatever mode the network is in."""
    norms = [m for m in network.modules() if isinstance(m, _NormBase) and m.track_running_stats]
    before = [(norm.momentum, norm.training) for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.training = True
        norm.momentum = None  # a mean over all that follows
    try:
        with torch.no_grad():
            for call in calls if norms else ():
                call(network)
    finally:
        for norm, (momentum, training) in zip(norms, before, strict=True):
            norm.momentum, norm.training = momentum, training
