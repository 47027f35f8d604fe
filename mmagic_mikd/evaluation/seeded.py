"""Evaluations that repeat, and that leave the training run's random stream alone."""

import random

import numpy as np
import torch
from mmengine.dist import get_dist_info
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

from ..utils.rng import RandomState


@HOOKS.register_module()
class SeededEvaluation(Hook):
    """Every evaluation draws the same random numbers; afterwards training goes on as if it had not been.

    For models that draw while they are evaluated: dropout of Pix2Pix, noise of unconditional models.
    Batch k of process r draws from its own seed, so a score neither wobbles between two evaluations of
    the same weights nor depends on which metrics were computed before. It still depends on the batch
    size, as batch statistics do, and on the number of processes.

    Not touched: Pix2Pix and CycleGAN with batch normalisation are evaluated in training mode, which
    moves the running statistics. The toolbox does so too; these models never use them.

    Args:
        seed: of the first batch.
    """

    priority = 'VERY_HIGH'  # before anything else can draw

    def __init__(self, seed: int = 2022) -> None:
        self.seed = seed
        self._state: RandomState | None = None

    def before_val(self, runner) -> None:
        device = next(runner.model.parameters()).device
        self._state = RandomState.capture(device)

    def before_val_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        rank, world_size = get_dist_info()
        seed = self.seed + batch_idx * world_size + rank
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)

    def after_val_epoch(self, runner, metrics=None) -> None:
        self._state.restore()  # before the best checkpoint is written, which holds the random states

    def after_val(self, runner) -> None:
        self._state.restore()

    before_test, before_test_iter, after_test = before_val, before_val_iter, after_val
