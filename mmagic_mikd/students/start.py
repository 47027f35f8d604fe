"""Layers of the student that start as those of its teacher, or stay them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from ..host.taps import StepTap
from ..host.training_calls import Given, on_first_call
from ..utils.checks import last_line, proposal, quoted
from ..utils.errors import ConfigError
from .exactness import require_slice
from .frozen_statistics import freeze
from .fused import require_known
from .loaded import Loaded
from .pruned import Pruned
from .refit import Refit
from .slices import Slices

WAYS = ('own', 'inherited', 'sliced', 'refitted', 'shared')
SLICED = ('sliced', 'refitted')


class StudentStart:
    """Copies layers of each teacher into its student; 'shared' ones are never updated afterwards.

    A shared layer still gets its gradients, which are dropped just before the optimiser wrapper's step:
    StyleGAN2's path regularisation differentiates with respect to the mapping network's output, and DDP
    waits for every gradient. So neither weight decay nor clipping knows of it. Its norms keep the running
    statistics of the teacher, and normalise by them.

    Args:
        layers: path of the layer within the generator, '' for all of it -> 'own' (nothing happens),
            'inherited' (the student's training starts from the teacher's weights), 'sliced' (likewise, from
            the first channels and blocks of a larger teacher), 'refitted' (likewise, see :class:`Refit`),
            'shared' (it keeps the teacher's weights), or the options of :class:`Pruned`.
        now: whether training starts now; a resumed one has its inherited layers already.
        key: where ``layers`` stand in the config, for messages.
        loaded: what a checkpoint has given the model already, which stays.
        calls: path of a student -> what it is given in training, where a pruned start asks for it.
        average: gives the average of a pair's student, if there is one, the student's weights.
        origin: the pair of a student and the network that a pruned start takes channels of.

    Raises:
        ConfigError: there is no such layer, it has another size in the teacher, or a shared one was loaded
            with other weights; in the first call of a sliced student, the slice is no smaller teacher.
    """

    def __init__(
        self,
        layers: Mapping[str, str | Mapping],
        pairs: Iterable[Any],
        optim_wrapper: OptimWrapper,
        now: bool = True,
        key: str = 'start',
        loaded: Loaded | None = None,
        calls: Mapping[str, Sequence[Given]] | None = None,
        average: Callable[[Any], None] = lambda pair: None,
        origin: Callable[[Any, Mapping, str], Any] = lambda pair, options, key: pair,
    ) -> None:
        self._shared: list[nn.Parameter] = []
        self._taps: list[Any] = []
        self._loaded, self._calls, self._average = loaded or Loaded(), calls or {}, average
        self._origin = origin
        kept = 0
        for pair in pairs:
            # what is shared is last, as what starts around it takes all of the network
            for name, way in sorted(layers.items(), key=lambda layer: layer[1] == 'shared'):
                where = f'{key}.{name}' if name else key
                if not isinstance(way, Mapping) and way not in WAYS:
                    raise ConfigError(f'{where}={way!r}: {proposal(str(way), WAYS)}')
                held = self._copy(pair, name, way, where) if now and way != 'own' else 0
                if way == 'shared':
                    self._keep(_layers(pair, name, where)[0])
                else:
                    kept += held
            if now:
                average(pair)
        if kept:
            print_log(
                f'{key}: {kept} weights of the student stay as {self._loaded.source} has them, and are not '
                "taken from its teacher; take load_from away for the teacher's",
                'current',
            )
        if self._shared:
            self._taps.append(StepTap(optim_wrapper, self._drop_gradients))

    def remove(self) -> None:
        for tap in self._taps:
            tap.remove()

    def _keep(self, layer: nn.Module) -> None:
        self._shared += layer.parameters()
        for norm in layer.modules():
            if isinstance(norm, _NormBase) and norm.track_running_stats:
                freeze(norm)

    def _drop_gradients(self) -> bool:
        for parameter in self._shared:
            parameter.grad = None  # clipping and optimisers pass by what has none
        return True

    def _copy(self, pair: Any, name: str, way: str, where: str) -> int:
        """Give the student's layer the teacher's weights; how many it kept that were loaded."""
        pair = self._origin(pair, way, where) if isinstance(way, Mapping) else pair
        layer, source = _layers(pair, name, where)
        _require_names(pair, layer, source, where)
        pruned = Pruned(pair, self._calls[pair.path], way, where) if isinstance(way, Mapping) else None
        weights = _within(pruned.weights, name) if pruned else self._weights(pair, name, way, source, where)
        held = self._loaded.within(f'{pair.path}.{name}'.rstrip('.'), layer.state_dict())
        if way == 'shared':
            self._require_equal(held, source, where)
        try:
            layer.load_state_dict({**weights, **held})
        except RuntimeError as error:
            raise ConfigError(_misfit(pair, where, error)) from error
        if pruned:
            pruned.finish(name, bool(held))
        if way in SLICED:
            # of this order, for each is called before the earlier ones: the refit, then what looks at it
            first = partial(self._look, pair, weights if not name else None, where)
            self._taps.append(on_first_call(pair.student, first))
            self._taps += [Refit(pair, name, where)] if way == 'refitted' and not held else []
        return len(held)

    def _look(self, pair: Any, slices: dict[str, Tensor] | None, where: str, call: Given) -> None:
        """Try the slices, where they are of the whole student, on the first batch, which has refitted it."""
        if slices:
            require_slice(pair, slices, call, where)
        self._average(pair)

    def _weights(self, pair: Any, name: str, way: str, source: dict[str, Tensor], where: str) -> dict:
        if way not in SLICED:
            return source
        require_known(pair.student, pair.teacher, name, where)
        return _slices(pair, name)

    def _require_equal(self, held: dict[str, Tensor], source: dict[str, Tensor], where: str) -> None:
        """Refuse a layer that is to be the teacher's for ever, and was loaded as another."""
        for name, weight in held.items():
            if source[name].shape == weight.shape and not torch.equal(weight, source[name].to(weight)):
                raise ConfigError(
                    f"{where}='shared' keeps the teacher's weights, and {self._loaded.source} has others "
                    f"(the first is {name!r}): leave one of the two out, or set it to 'own'"
                )


def _layers(pair: Any, name: str, where: str) -> tuple[nn.Module, dict[str, Tensor]]:
    """The student's layer of that name, and the weights of the teacher's."""
    try:
        return pair.student.get_submodule(name), pair.teacher.get_submodule(name).state_dict()
    except (AttributeError, IndexError) as error:
        raise ConfigError(_misfit(pair, where, error)) from error


def _misfit(pair: Any, where: str, error: Exception) -> str:
    return (
        f'{where}: the student {pair.path!r} cannot take it from its teacher ({quoted(last_line(error))}); '
        "correct the name, or set it to 'own'"
    )


def _require_names(pair: Any, layer: nn.Module, source: dict[str, Tensor], where: str) -> None:
    """Refuse a layer whose parts have other names in the teacher, as where a name tells the width."""
    absent = [name for name, _ in layer.named_parameters() if name not in source]
    if absent:
        raise ConfigError(
            f'{where}: {len(absent)} weights of the student {pair.path!r} have no namesake in its teacher, the '
            f"first is {absent[0]!r} (StyleGAN3's names tell the width of a layer, and blocks the teacher has "
            "not have none): set it to 'own', or name the layers that both have, each by its path"
        )


def _within(weights: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Those of the layer at a path, by their names in it."""
    prefix = f'{name}.' if name else ''
    return {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}


def _slices(pair: Any, name: str) -> dict[str, Tensor]:
    """What the student's layer gets of the teacher's; what the teacher has not stays out."""
    slices, wide = Slices(pair.student, pair.teacher), pair.teacher.get_submodule(name).state_dict()
    return {
        key: slices.of(f'{name}.{key}'.lstrip('.'), wide[key], weight.shape)
        for key, weight in pair.student.get_submodule(name).state_dict().items()
        if key in wide
    }
