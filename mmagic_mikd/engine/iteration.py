"""One iteration of a distillation, from both networks' images to the student's loss."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from ..guard import DivergenceGuard
from ..host.learner import step_together
from ..objectives.objective import Objective
from ..utils.rng import seeded
from .first_batch import FirstBatch
from .log import Log
from .pair import Pair
from .view import View


class Iteration:
    """Student and teacher have run: what learns takes its step, and the bounds join the generator's loss.

    Args:
        objectives: in the order in which they are added.
        guard, log: told what happens; the guard is asked whether to go on.
        complete: builds what an objective still lacks, from the views of the first batch.
    """

    def __init__(
        self,
        objectives: Sequence[Objective],
        guard: DivergenceGuard,
        log: Log,
        complete: Callable[[Objective, list[View]], None],
    ) -> None:
        self.objectives, self.guard, self.log = objectives, guard, log
        self._first_batch = FirstBatch(complete)
        self.watchers: list[Callable[[list[View]], None]] = []  # called with what both networks made
        self.progress, self.seed = 0.0, 0  # share of the training that is over; of what objectives draw

    def asks_teacher(self, pair: Pair) -> bool:
        """Whether an objective will look at what the teacher of this pair makes."""
        places = [o.place for o in self.objectives if o.fading(self.progress)]
        return any(place.asks_teacher and place.sees(pair) for place in places)

    def __call__(self, pairs: Sequence[Pair], loss: Tensor) -> Tensor:
        """The generator's loss with all bounds, each differentiable in the student only."""
        with torch.autocast(loss.device.type, enabled=False), seeded(self.seed, loss.device):
            self._watch_model(pairs, loss)
            views, seen = self._views(pairs)
            self._learn(seen, loss.device)
            self.log.distance(views)
            for watch in self.watchers:
                watch(views)
            # what has a ratio comes last: gates open in this order, and it is to all of fixed weight
            for objective in sorted(filter(self.guard.allows, seen), key=lambda o: o.ratio is not None):
                if objective.weight > 0:  # else it only learns, and the loss stays the same to the last bit
                    loss = loss + self._value(objective, seen[objective])
        return loss

    def _views(self, pairs: Sequence[Pair]) -> tuple[list[View], dict[Objective, list[View]]]:
        """What both networks made, and what of it each objective of this iteration sees."""
        active = [o for o in self.objectives if o.fading(self.progress) and self.guard.lets(o)]
        for objective in self.objectives:
            if objective not in active:
                self.log.silent(objective)
        views = [pair.view() for pair in pairs] if active else []
        seen = {o: [view for view in views if o.place.sees(view)] for o in active}
        return views, {o: own for o, own in seen.items() if self._first_batch.has_enough(o, own)}

    def _learn(self, seen: dict[Objective, list[View]], device: torch.device) -> None:
        """Tighten every bound, on constants: one message between processes, one verdict, then the steps."""
        learning = {}
        for objective, views in seen.items():
            self._first_batch.begin(objective, views)
            if objective.learner is not None:
                learning[objective.learner] = objective.learning_loss(views)
                self.guard.watch.learning(objective, learning[objective.learner])
        norms = step_together(learning, self.guard.signs(device), self.guard.judge)
        for objective in seen:
            self.log.learned(objective, norms.get(objective.learner))

    def _value(self, objective: Objective, views: list[View]) -> Tensor:
        """Raise one bound: through the gate, to the student's images only."""
        value = objective.fading(self.progress) * objective(views, partial(self._gate, objective))
        self.guard.watch.value(objective, value)
        self.log.value(objective, value)
        return value

    def _gate(self, objective: Objective, pair: str, s: Tensor, t: Tensor, on_all: Callable) -> Tensor:
        ratio = objective.ratio and objective.fading(self.progress) * objective.ratio
        gated = self.guard.watch.gated(objective, self.log.looking(objective, pair), s, on_all, ratio)
        return self.log.directed(objective, pair, gated, t)

    def _watch_model(self, pairs: Sequence[Pair], loss: Tensor) -> None:
        students, teachers = (
            [image for image in images if image is not None]
            for images in zip(*((pair.s, pair.t) for pair in pairs), strict=True)
        )
        self.guard.watch.model(loss, students, teachers)
