"""What one iteration shows, for the toolbox's log: collected on the device, read once."""

from collections.abc import Callable, Sequence

import torch
from mmengine.logging import MessageHub
from torch import Tensor

from ..objectives.objective import Objective
from ..utils.errors import ConfigError
from .image_range import UNIT
from .view import View

# after the name of an objective
CURVES = ('grad_ratio', 'towards', 'learner_norm', 'learner_clipped_norm', 'learner_lr')


class Log:
    """Scalars by name; with several pairs, those of one end with its name.

    Of every objective ``<name>``: ``loss_distill_<name>``, its part of the student's loss;
    ``<name>_grad_ratio``, its gradient where the student made what it looks at, over that of all other losses,
    and nothing where these have none there;
    ``<name>_towards``, the cosine of that gradient's way and the way to the target; and of one that learns
    ``<name>_learner_norm``, of the gradient of what it learns. Once ``distance``, mean |t - s| of student and
    teacher with black and white at -1 and 1.

    Args:
        objectives, pairs: how many there are, for the names.
    """

    def __init__(self, objectives: Sequence[Objective], pairs: int) -> None:
        self._values: dict[str, Tensor] = {}
        self._others: dict[str, Tensor] = {}  # of each ratio, the norm that it is over
        self._chain_values: dict[
            str, set[str]
        ] = {}  # of each objective, the names that do not begin with its own
        self._silent: list[Objective] = []
        self._several_pairs = pairs > 1
        self._several_chains = sum(objective.waits for objective in objectives) > 1

    def learned(self, objective: Objective, norm: Tensor | None) -> None:
        """What its learning step showed."""
        shown, objective.values = objective.values, {}
        for (name, pair), value in shown.items():
            prefix = f'{objective.name}_' if self._several_chains else ''
            noted = self._note(prefix + name, pair, value)
            self._chain_values.setdefault(objective.name, set()).add(noted)
        if norm is not None:
            self._values[f'{objective.name}_learner_norm'] = norm

    def value(self, objective: Objective, value: Tensor) -> None:
        self._values[f'loss_distill_{objective.name}'] = value.detach()

    def looking(self, objective: Objective, pair: str) -> Callable[[Tensor, Tensor], None]:
        """What the gate is to tell, in the backward pass, of both gradients' norms."""

        def note(part: Tensor, rest: Tensor) -> None:
            name = self._note(f'{objective.name}_grad_ratio', pair, part / rest)
            self._others[name] = rest.detach()

        return note

    def directed(self, objective: Objective, pair: str, s: Tensor, t: Tensor) -> Tensor:
        """``s``, of whose gradient the direction will be logged; hooks of its own, apart from the gate's."""
        view = s.view_as(s)
        if t.shape == s.shape:  # features of other widths are in no direction
            way = (t - s).detach().float().flatten(1)

            def note(gradient: Tensor) -> None:
                cosine = torch.cosine_similarity(-gradient.float().flatten(1), way)
                self._note(f'{objective.name}_towards', pair, cosine.mean())

            view.register_hook(note)
        return view

    def distance(self, views: Sequence[View]) -> None:
        for view in views:
            if view.t is None or view.t.shape != view.s.shape:
                continue
            try:
                s, t = (view.images.mapped(image.detach(), UNIT) for image in (view.s, view.t))
            except ConfigError:  # of no known range, which only an objective with a range has to know
                continue
            self._note('distance', view.name, (t - s).abs().mean())

    def silent(self, objective: Objective) -> None:
        """It has no part in this iteration, so its curves end here, or pause."""
        self._silent.append(objective)

    def _note(self, name: str, pair: str, value: Tensor) -> str:
        name = f'{name}_{pair}' if self._several_pairs else name
        self._values[name] = value.detach()
        return name

    def _forget(self, objective: Objective, hub: MessageHub) -> None:
        own = {f'train/{name}' for name in self._chain_values.get(objective.name, ())}
        own.add(f'train/loss_distill_{objective.name}')
        own |= (curves := {f'train/{objective.name}_{curve}' for curve in CURVES})
        self._drop(hub, own, tuple(f'{curve}_' for curve in curves))

    @staticmethod
    def _drop(hub: MessageHub, names: set[str], beginnings: tuple[str, ...]) -> None:
        """These, and what begins so: of one of several pairs."""
        for name in list(hub.log_scalars):
            if name in names or name.startswith(beginnings):
                del hub.log_scalars[name]

    def write(self, hub: MessageHub) -> dict[str, float]:
        """Hand on what was noted, and return it; the only wait for the device."""
        for objective in self._silent:
            self._forget(objective, hub)
        self._silent.clear()
        if not any(name.startswith('distance') for name in self._values):
            self._drop(hub, {'train/distance'}, ('train/distance_',))
        tensors = [value.float() for value in (*self._values.values(), *self._others.values())]
        numbers = torch.stack(tensors).tolist() if tensors else []
        values = dict(zip(self._values, numbers, strict=False))
        others = dict(zip(self._others, numbers[len(values) :], strict=True))
        self._values.clear()
        self._others.clear()
        for name in (name for name, other in others.items() if other == 0):
            del values[name]  # it is no number, and its curve pauses
            hub.log_scalars.pop(f'train/{name}', None)
        for name, value in values.items():
            hub.update_scalar(f'train/{name}', value)
        return values
