"""One iteration of a distillation, from both networks' images to the student's loss."""

import logging
from collections.abc import Callable, Sequence
from functools import partial

import torch
from mmengine import dist
from mmengine.logging import print_log
from torch import Tensor

from ..guard import DivergenceGuard
from ..host.learner import step_together
from ..objectives.objective import Objective
from ..utils.rng import seeded
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
        self.objectives, self.guard, self.log, self._complete = objectives, guard, log, complete
        self.watchers: list[Callable[[list[View]], None]] = []  # called with what both networks made
        self._begun: set[str] = set()  # the objectives that have seen a batch
        self._left_out: set[str] = set()  # and those of which the log says that one was too small
        self.progress, self.seed = 0.0, 0  # share of the training that is over; of what objectives draw

    @property
    def asks_teacher(self) -> bool:
        return any(o.place.asks_teacher and o.fading(self.progress) for o in self.objectives)

    def __call__(self, pairs: Sequence[Pair], loss: Tensor) -> Tensor:
        """The generator's loss with all bounds, each differentiable in the student only."""
        with torch.autocast(loss.device.type, enabled=False), seeded(self.seed, loss.device):
            self._watch_model(pairs, loss)
            active = [o for o in self.objectives if o.fading(self.progress) and self.guard.lets(o)]
            for objective in self.objectives:
                if objective not in active:
                    self.log.silent(objective)
            views = [pair.view() for pair in pairs] if active else []
            active = [o for o in active if self._has_enough(o, views)]
            self._learn(active, views, loss.device)
            for watch in self.watchers:
                watch(views)
            for objective in filter(self.guard.allows, active):
                if objective.weight > 0:  # else it only learns, and the loss stays the same to the last bit
                    loss = loss + self._value(objective, views)
        return loss

    def _has_enough(self, objective: Objective, views: list[View]) -> bool:
        """Whether the batch has as many samples as it compares, in all processes; an epoch's last may not."""
        if objective.least_batch == 1:
            return True
        least = min(objective.samples(view) for view in views)
        if dist.get_world_size() > 1:
            count = torch.tensor(least, device=views[0].s.device)
            dist.all_reduce(count, op='min')
            least = count.item()
        if least < objective.least_batch and objective.name not in self._left_out:
            self._left_out.add(objective.name)
            print_log(
                f'A batch of {least} is too small for {objective.keys.objective}, which compares its samples: '
                'such batches go without it (train_dataloader.drop_last=True would leave them out)',
                'current',
                logging.WARNING,
            )
        return least >= objective.least_batch

    def _learn(self, active: Sequence[Objective], views: list[View], device: torch.device) -> None:
        """Tighten every bound, on constants: one message between processes, one verdict, then the steps."""
        learning = {}
        for objective in active:
            self._begin(objective, views)
            if objective.learner is not None:
                learning[objective.learner] = objective.learning_loss(views)
                self.guard.watch.learning(objective, learning[objective.learner])
        norms = step_together(learning, self.guard.signs(device), self.guard.judge)
        for objective in active:
            self.log.learned(objective, norms.get(objective.learner))
        self.log.distance(views)

    def _begin(self, objective: Objective, views: list[View]) -> None:
        """With its first batch: see that these are pictures, and build what has waited for them."""
        if objective.name in self._begun:
            return
        for view in views:
            view.require_pictures(objective.place)
        self._complete(objective, views)
        self._begun.add(objective.name)

    def _value(self, objective: Objective, views: list[View]) -> Tensor:
        """Raise one bound: through the gate, to the student's images only."""
        value = objective.fading(self.progress) * objective(views, partial(self._gate, objective))
        self.guard.watch.value(objective, value)
        self.log.value(objective, value)
        return value

    def _gate(self, objective: Objective, pair: str, s: Tensor, t: Tensor, on_all: Callable) -> Tensor:
        gated = self.guard.watch.gated(objective, self.log.looking(objective, pair), s, on_all)
        return self.log.directed(objective, pair, gated, t)

    def _watch_model(self, pairs: Sequence[Pair], loss: Tensor) -> None:
        students, teachers = (
            [image for image in images if image is not None]
            for images in zip(*((pair.s, pair.t) for pair in pairs), strict=True)
        )
        self.guard.watch.model(loss, students, teachers)
