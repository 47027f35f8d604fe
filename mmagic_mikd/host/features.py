"""What inner layers of a network make in one call, and the gradients that arrive there."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ..utils.errors import ConfigError
from .taps import for_this


class Feature:
    """What a layer made in one call, and a way to see the whole gradient that arrives there.

    Attributes:
        tensor: a copy, because an activation behind the layer may work in place; gradients pass through it.
    """

    def __init__(self, made: Tensor) -> None:
        self._told: list[Callable[[Tensor], Tensor | None]] = []
        if made.requires_grad:  # now: in a moment it may have been changed in place
            made.register_hook(self._tell)
        self.tensor = made.clone()

    def on_gradient(self, look: Callable[[Tensor], Tensor | None]) -> None:
        """Call ``look`` with the gradient, in the next backward pass; it may return another."""
        self._told.append(look)

    def _tell(self, gradient: Tensor) -> Tensor:
        for look in self._told:
            changed = look(gradient)
            gradient = gradient if changed is None else changed
        return gradient


class Joined:
    """Several features of a layer as one, the samples of each after those of the one before."""

    def __init__(self, *parts: 'Feature | Joined') -> None:
        self._parts = parts
        self.tensor = torch.cat([part.tensor for part in parts])

    def on_gradient(self, look: Callable[[Tensor], Tensor | None]) -> None:
        """Call ``look`` with all gradients, in the next backward pass; what it returns has no effect."""
        seen: dict[int, Tensor] = {}

        def told(place: int, gradient: Tensor) -> None:
            seen[place] = gradient
            if len(seen) == len(self._parts):
                look(torch.cat([seen.pop(each) for each in range(len(self._parts))]))

        for place, part in enumerate(self._parts):
            part.on_gradient(partial(told, place))


# layers of student and teacher, and what they have made
Features = dict[tuple[str, str], tuple[Feature | Joined, Feature | Joined]]


class LayerTap:
    """Keeps what an inner layer makes, in the calls for which ``counts()`` holds, until it is taken.

    A layer that runs several times within its network, such as once for each frame of a clip, has made all of
    that.
    """

    def __init__(self, layer: nn.Module, counts: Callable[[], bool]) -> None:
        self._counts = counts
        self._made: list[Feature] = []
        self._handle = layer.register_forward_hook(for_this(layer, self._after))

    def _after(self, module: nn.Module, args: tuple, output: Any) -> None:
        if not self._counts():
            return
        if not isinstance(output, Tensor):
            raise ConfigError(
                f'a layer of default_hooks.distill.objectives, a {type(module).__name__}, makes a '
                f'{type(output).__name__}, not a tensor; name a layer within it'
            )
        self._made.append(Feature(output))

    def take(self) -> Feature | Joined | None:
        """What was made since the last time; None for nothing.

        Raises:
            ConfigError: of several runs, tensors that are no samples of one kind.
        """
        made, self._made = self._made, []
        shapes = dict.fromkeys(tuple(feature.tensor.shape) for feature in made)
        if len({shape[1:] for shape in shapes}) > 1:
            raise ConfigError(
                f'a layer of default_hooks.distill.objectives runs {len(made)} times within its network and '
                f'makes tensors of shapes {" and ".join(map(str, shapes))}; name one that runs once'
            )
        return Joined(*made) if len(made) > 1 else next(iter(made), None)

    def remove(self) -> None:
        self._made = []
        self._handle.remove()
