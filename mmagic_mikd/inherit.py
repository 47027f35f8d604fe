"""Layers of the student that start as those of its teacher, or stay them."""

from collections.abc import Iterable

import torch
from mmagic.models.editors.pix2pix.pix2pix_modules import UnetSkipConnectionBlock
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from .checks import proposal
from .errors import ConfigError
from .pair import Pair

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
        layer.load_state_dict(_slices(source, layer, pair.student) if sliced else source)
    except (AttributeError, IndexError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise ConfigError(
            f'{KEY}.{name}: the student {pair.path!r} cannot take it from its teacher ({reason}); '
            "correct the name, or set it to 'own'"
        ) from error
    return layer


def _slices(weights: dict[str, Tensor], layer: nn.Module, generator: nn.Module) -> dict[str, Tensor]:
    """The first channels of ``weights`` in every dimension, and the first blocks where there are fewer.

    What reads two features at once, as the decoder of a U-Net does, gets the first channels of each.
    """
    slices = {
        name: weights[name][tuple(map(slice, weight.shape))]
        for name, weight in layer.state_dict().items()
        if name in weights
    }
    joining = {
        block.model[2].conv.weight  # (2 * channels, ...), transposed
        for block in generator.modules()
        if isinstance(block, UnetSkipConnectionBlock) and len(block.model) > 2  # not the innermost
    }
    for name, weight in layer.named_parameters():
        if weight in joining:
            first = tuple(map(slice, weight.chunk(2)[0].shape))
            slices[name] = torch.cat([half[first] for half in weights[name].chunk(2)])
    return slices
