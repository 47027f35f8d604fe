"""An objective on what a frozen network makes of both images, layer by layer."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from .calls import comparing
from .objective import Objective, Place, View, scalar


class FeatureObjective(Objective):
    """The mean over the layers of a backbone, each of which has a module of its own where that learns.

    Args:
        name, place, options: see :class:`Objective`; ``place`` has backbones.
        pairs: names of the pairs.
        module: built from the config as it is; it serves every layer if it has nothing to learn.
        make: builds one for a layer of so many channels.
    """

    def __init__(
        self,
        name: str,
        pairs: Sequence[str],
        module: nn.Module,
        make: Callable[[int], nn.Module],
        place: Place,
        **options: object,
    ) -> None:
        super().__init__(name, dict.fromkeys(pairs, module), place, **options)
        self._pairs, self._make = tuple(pairs), make
        self._learns = any(p.requires_grad for p in module.parameters())
        self._kind = type(module).__name__
        if self._learns:
            self.losses, self.built = nn.ModuleDict(), None

    @property
    def learns(self) -> bool:
        return self._learns

    @property
    def kind(self) -> str:
        return self._kind

    def sizes(self, views: Sequence[View]) -> tuple[int, ...]:
        """The channels of each layer."""
        return tuple(feature.shape[1] for feature in views[0].at(self.place)[1])

    def build(self, *sizes: int) -> None:
        self.built = sizes
        self.losses.update({pair: nn.ModuleList(map(self._make, sizes)) for pair in self._pairs})

    def learning_loss(self, views: Sequence[View]) -> Tensor:
        return sum(self._value(view.name, *map(_constants, view.at(self.place))) for view in views)

    def energy(self, pair: str, t: Sequence[Tensor], s: Sequence[Tensor]) -> Tensor:
        """-log q(t|s) of each sample, (N,), per value and up to a constant; of modules that have an energy."""
        each = [module.energy(*both) for module, *both in zip(self._modules(pair, len(t)), t, s, strict=True)]
        return sum(each) / len(each)

    def _value(self, pair: str, student: Sequence[Tensor], teacher: Sequence[Tensor]) -> Tensor:
        total = 0.0
        for module, s, t in zip(self._modules(pair, len(student)), student, teacher, strict=True):
            with comparing(self.keys.objective, True, s, t):
                total = total + scalar(module(s.float(), t.float()))
        return total / len(student)

    def _modules(self, pair: str, layers: int) -> Sequence[nn.Module]:
        own = self.losses[pair]
        return own if isinstance(own, nn.ModuleList) else [own] * layers


def _constants(features: Sequence[Tensor]) -> list[Tensor]:
    return [feature.detach() for feature in features]
