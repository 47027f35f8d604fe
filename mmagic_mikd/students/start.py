"""Layers of the student that start as those of its teacher, or stay them."""

from collections.abc import Iterable

import torch
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from ..engine.pair import Pair
from ..utils.checks import proposal
from ..utils.errors import ConfigError
from .channel_groups import features

KEY = 'default_hooks.distill.layers'
WAYS = ('own', 'inherited', 'sliced', 'shared')


class InheritedLayers:
    """Copies layers of each teacher into its student; 'shared' ones are never updated afterwards.

    A shared layer still gets its gradients, which are dropped just before the optimiser's step:
    StyleGAN2's path regularisation differentiates with respect to the mapping network's output, and DDP
    waits for every gradient. Weight decay and clipping by value do not reach it either.

    Args:
        layers: path of the layer within the generator, '' for all of it -> 'own' (nothing happens),
            'inherited' (the student's training starts from the teacher's weights), 'sliced' (likewise, from
            the first channels and blocks of a larger teacher) or 'shared' (it keeps the teacher's weights).
        start: whether training starts now; a resumed one has its inherited layers already.

    Raises:
        ConfigError: there is no such layer or it has another size in the teacher.
    """

    def __init__(
        self, layers: dict[str, str], pairs: Iterable[Pair], optim_wrapper: OptimWrapper, start: bool = True
    ) -> None:
        self._shared: list[nn.Parameter] = []
        for pair in pairs:
            for name, way in layers.items():
                if way not in WAYS:
                    raise ConfigError(f'{KEY}.{name}={way!r}: {proposal(str(way), WAYS)}')
                if way == 'shared' or (way != 'own' and start):
                    layer = _copy(pair, name, way == 'sliced')
                    self._shared += layer.parameters() if way == 'shared' else ()
        self._handle = optim_wrapper.optimizer.register_step_pre_hook(self._drop_gradients)

    def remove(self) -> None:
        self._handle.remove()

    def _drop_gradients(self, optimizer: torch.optim.Optimizer, args: tuple, kwargs: dict) -> None:
        for parameter in self._shared:
            parameter.grad = None  # an optimiser passes by what has none


def _copy(pair: Pair, name: str, sliced: bool) -> nn.Module:
    """The student's layer, now with the teacher's weights."""
    try:
        layer, source = pair.student.get_submodule(name), pair.teacher.get_submodule(name).state_dict()
        layer.load_state_dict(_slices(pair, name) if sliced else source)
    except (AttributeError, IndexError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise ConfigError(
            f'{KEY}.{name}: the student {pair.path!r} cannot take it from its teacher ({reason}); '
            "correct the name, or set it to 'own'"
        ) from error
    return layer


def _slices(pair: Pair, name: str) -> dict[str, Tensor]:
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
