"""An objective on what a frozen network makes of both images, layer by layer."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .calls import alike, comparing, frozen
from .objective import Look, Objective, Place, View, scalar


class Seen(NamedTuple):
    """Features of both images; those of the student hang on ``leaf``, a copy of its image without a graph."""

    leaf: Tensor
    s: list[Tensor]
    t: list[Tensor]


def look(backbone: Look, view: View, place: Place) -> Seen:
    """Run the backbone once on each image, before anything learns from it."""
    s, t = view.at(place)
    leaf = s.detach().float().requires_grad_()  # half precision would not hold a loss scale
    with torch.no_grad():
        of_t = backbone(t, view.x)
    with torch.enable_grad():
        return Seen(leaf, backbone(leaf, view.x), of_t)


def handed_on(value: Tensor, leaf: Tensor, s: Tensor) -> Tensor:
    """``value``, whose gradient with respect to ``leaf`` becomes that with respect to ``s``.

    So one forward pass of a backbone serves what learns from it and what reaches the student.
    """
    (gradient,) = torch.autograd.grad(value, leaf)
    return value.detach() + ((s - s.detach()) * gradient).sum()


class FeatureObjective(Objective):
    """The mean over the layers of a backbone, each of which has a module of its own where that learns.

    Args:
        name, place, options: see :class:`Objective`.
        backbones: of each pair, by its name.
        module: built from the config as it is; it serves every layer if it has nothing to learn.
        make: builds one for a layer of so many channels.
    """

    def __init__(
        self,
        name: str,
        backbones: Mapping[str, Look],
        module: nn.Module,
        make: Callable[[int], nn.Module],
        place: Place,
        **options: object,
    ) -> None:
        super().__init__(name, dict.fromkeys(backbones, module), place, **options)
        self.backbones, self._make = backbones, make
        self._learns = any(p.requires_grad for p in module.parameters())
        self._kind, self._least_batch = type(module).__name__, getattr(module, 'least_batch', 1)
        self._good_batch = getattr(module, 'good_batch', 1)
        self._seen: dict[str, Seen] = {}
        if self._learns:
            self.losses, self.built = nn.ModuleDict(), None

    @property
    def learns(self) -> bool:
        return self._learns

    @property
    def kind(self) -> str:
        return self._kind

    @property
    def least_batch(self) -> int:
        return self._least_batch

    @property
    def good_batch(self) -> int:
        return self._good_batch

    def sizes(self, views: Sequence[View]) -> tuple[int, ...]:
        """The channels of each layer."""
        seen = [look(self.backbones[view.name], view, self.place).t for view in views]
        sizes = [[feature.shape[1] for feature in each] for each in seen]
        return alike(self.keys.objective, sizes, lambda *channels: list(map(self._make, channels)))

    def build(self, *sizes: int) -> None:
        self.built = sizes
        self.losses.update({pair: nn.ModuleList(map(self._make, sizes)) for pair in self.backbones})

    def learning_loss(self, views: Sequence[View]) -> Tensor:
        self._seen = {view.name: look(self.backbones[view.name], view, self.place) for view in views}
        return sum(
            self._value(pair, [s.detach() for s in seen.s], seen.t) for pair, seen in self._seen.items()
        )

    def __call__(self, views: Sequence[View], gate: Callable) -> Tensor:
        with frozen(self.network):
            return sum(self._handed_on(view, gate) for view in views)

    def _handed_on(self, view: View, gate: Callable) -> Tensor:
        seen = self._seen.pop(view.name, None) or look(self.backbones[view.name], view, self.place)
        value = self._value(view.name, seen.s, seen.t)
        return handed_on(value, seen.leaf, view.at(self.place, gate)[0])

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
