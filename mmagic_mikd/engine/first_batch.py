"""What an objective waits for: batches that hold enough, and the first one, whose shapes it is built from."""

import logging
from collections.abc import Callable, Sequence

import torch
from mmengine import dist
from mmengine.logging import print_log

from ..objectives.objective import Objective
from .view import View


class FirstBatch:
    """Lets objectives begin with their first batch, and leaves them out of batches that are too small.

    Args:
        complete: builds what an objective still lacks, from the views of the first batch.
    """

    def __init__(self, complete: Callable[[Objective, Sequence[View]], None]) -> None:
        self._complete = complete
        self._begun: set[str] = set()
        self._left_out: set[str] = set()  # of these the log says that a batch was too small

    def begin(self, objective: Objective, views: Sequence[View]) -> None:
        """See, once, that these are pictures, and build what has waited for them."""
        if objective.name in self._begun:
            return
        for view in views:
            view.require_pictures(objective.place)
            if objective.ratio is not None:
                view.require_one_run(objective.place)
        self._complete(objective, views)
        self._begun.add(objective.name)
        self._warn_of_few(objective, min(objective.samples(view) for view in views))

    def _warn_of_few(self, objective: Objective, samples: int) -> None:
        if samples < objective.good_batch:
            print_log(
                f'{objective.keys.objective} compares samples with each other, and {samples} say little: set '
                f"train_dataloader.batch_size to {objective.good_batch} or more, or samples='positions'",
                'current',
                logging.WARNING,
            )

    def has_enough(self, objective: Objective, views: Sequence[View]) -> bool:
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
