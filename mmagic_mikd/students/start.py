"""Layers of the student that start as those of its teacher, or stay them."""

from collections.abc import Iterable
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from ..utils.checks import last_line, proposal, quoted
from ..utils.errors import ConfigError
from .channel_groups import features

WAYS = ('own', 'inherited', 'sliced', 'shared')


class StudentStart:
    """Copies layers of each teacher into its student; 'shared' ones are never updated afterwards.

    A shared layer still gets its gradients, which are dropped just before the optimiser's step:
    StyleGAN2's path regularisation differentiates with respect to the mapping network's output, and DDP
    waits for every gradient. Weight decay and clipping by value do not reach it either.

    Args:
        layers: path of the layer within the generator, '' for all of it -> 'own' (nothing happens),
            'inherited' (the student's training starts from the teacher's weights), 'sliced' (likewise, from
            the first channels and blocks of a larger teacher) or 'shared' (it keeps the teacher's weights).
        now: whether training starts now; a resumed one has its inherited layers already.
        key: where ``layers`` stand in the config, for messages.

    Raises:
        ConfigError: there is no such layer or it has another size in the teacher.
    """

    def __init__(
        self,
        layers: dict[str, str],
        pairs: Iterable[Any],
        optim_wrapper: OptimWrapper,
        now: bool = True,
        key: str = 'start',
    ) -> None:
        self._shared: list[nn.Parameter] = []
        for pair in pairs:
            for name, way in layers.items():
                where = f'{key}.{name}' if name else key
                if way not in WAYS:
                    raise ConfigError(f'{where}={way!r}: {proposal(str(way), WAYS)}')
                if way == 'shared' or (way != 'own' and now):
                    layer = _copy(pair, name, way == 'sliced', where)
                    self._shared += layer.parameters() if way == 'shared' else ()
        self._handle = optim_wrapper.optimizer.register_step_pre_hook(self._drop_gradients)

    def remove(self) -> None:
        self._handle.remove()

    def _drop_gradients(self, optimizer: torch.optim.Optimizer, args: tuple, kwargs: dict) -> None:
        for parameter in self._shared:
            parameter.grad = None  # an optimiser passes by what has none


def _copy(pair: Any, name: str, sliced: bool, where: str) -> nn.Module:
    """The student's layer, now with the teacher's weights."""
    try:
        layer, source = pair.student.get_submodule(name), pair.teacher.get_submodule(name).state_dict()
        layer.load_state_dict(_slices(pair, name) if sliced else source)
    except (AttributeError, IndexError, RuntimeError) as error:
        reason = quoted(last_line(error))
        raise ConfigError(
            f'{where}: the student {pair.path!r} cannot take it from its teacher ({reason}); '
            "correct the name, or set it to 'own'"
        ) from error
    return layer


def _slices(pair: Any, name: str) -> dict[str, Tensor]:
    """The first channels of the teacher's layer in every dimension, and the first blocks where there are fewer.

    What holds several features, as the input of a U-Net's decoder does, gets the first channels of each.
    """
    wide = pair.teacher.get_submodule(name).state_dict()
    mine, whole = features(pair.student), features(pair.teacher)
    slices = {}
    for key, weight in pair.student.get_submodule(name).state_dict().items():
        if key not in wide:
            continue
        source, path = wide[key], f'{name}.{key}'.lstrip('.')
        if path in mine and path in whole:
            (dimension, kept), (_, sizes) = mine[path], whole[path]
            parts = zip(source.split(sizes, dimension), kept, strict=False)
            source = torch.cat([part.narrow(dimension, 0, count) for part, count in parts], dimension)
        slices[key] = source[tuple(map(slice, weight.shape))]
    return slices
