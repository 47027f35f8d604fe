"""Names an objective whose gradient is so small beside all other losses that it does nothing."""

import logging
from collections.abc import Iterable, Mapping

from mmengine.logging import print_log

from ..objectives.objective import Objective

PATIENCE = 100  # updates in a row
NOTHING = 0.01  # of the norm of the gradient of all other losses


class FaintObjectives:
    """Watches the gradient ratios in the log; one line for each objective that stays faint, and no more."""

    def __init__(self) -> None:
        self._count: dict[str, int] = {}
        self._said: set[str] = set()

    def look(self, objectives: Iterable[Objective], values: Mapping[str, float], progress: float) -> None:
        """Values of one iteration by their names in the log; ``progress`` is the share that is over.

        A ratio that the config sets is as it is wanted; 0 is that of a student that is its teacher.
        """
        for objective in objectives:
            fading = objective.fading(progress)
            if objective.ratio is not None or not fading or objective.name in self._said:
                continue
            start = f'{objective.name}_grad_ratio'  # of several pairs there is one each
            ratios = [value for name, value in values.items() if name.startswith(start)]
            if not ratios:
                continue
            ratio = max(ratios) / fading
            count = self._count.get(objective.name, 0) + 1 if 0 < ratio < NOTHING else 0
            self._count[objective.name] = count
            if count == PATIENCE:
                self._said.add(objective.name)
                _say(objective, start, ratio)


def _say(objective: Objective, name: str, ratio: float) -> None:
    print_log(
        f'distill: {name} has been below {NOTHING} for {PATIENCE} updates, now {ratio:.2g}: '
        f'{objective.title} does nothing that can be seen; multiply its loss_weight by about '
        f'{0.5 / ratio:.0f}, or set gradient_ratio=0.5 in its place ({objective.keys.objective})',
        logger='current',
        level=logging.WARNING,
    )
