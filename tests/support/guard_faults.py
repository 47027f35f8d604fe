"""A hook that makes a run diverge in one way, at chosen iterations and on one process if wished."""

import math
from unittest.mock import patch

import torch
from families import hook_of
from mmengine import dist
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

from mmagic_mikd import MIDistillLoss
from mmagic_mikd.objectives.energy import objective as energy_objective


def nothing_but(value: float):
    return lambda module, args, output: torch.full_like(output, value)


def nan_times(module, args, output):
    return math.nan * output


def far_away(energy, start, watch, **settings):
    """A chain that ends five ranges of images away from its start, and its clamp."""
    watch(start.detach() + 10)
    return (start.detach() + 10).clamp(-1, 1)


def broken_energies(original, *args):
    loss, energies = original(*args)
    return loss * math.nan, energies


@HOOKS.register_module()
class Fault(Hook):
    """Between ``before_train_iter`` and ``after_train_iter`` something is broken.

    Args:
        kind: 'teacher', 'chain', 'energies', 'gradient' or 'base'.
        at: the iterations, counted from 0.
        rank: the process; None for all of them.
    """

    priority = 'HIGHEST'

    def __init__(self, kind: str, at: list[int], rank: int | None = None) -> None:
        self.kind, self.at, self.rank, self.undo = kind, at, rank, []

    def before_train_iter(self, runner, *args, **kwargs) -> None:
        if runner.iter in self.at and self.rank in (None, dist.get_rank()):
            getattr(self, self.kind)(runner)

    def after_train_iter(self, *args, **kwargs) -> None:
        while self.undo:
            self.undo.pop()()

    def teacher(self, runner) -> None:
        for pair in hook_of(runner).pairs:
            self.undo.append(pair.teacher.register_forward_hook(nothing_but(math.inf)).remove)

    def base(self, runner) -> None:
        for pair in hook_of(runner).pairs:
            self.undo.append(pair.student.register_forward_hook(nan_times).remove)

    def chain(self, runner) -> None:
        self._patch(energy_objective, 'langevin', far_away)

    def energies(self, runner) -> None:
        original = MIDistillLoss.critic_loss
        self._patch(MIDistillLoss, 'critic_loss', lambda self, *args: broken_energies(original, self, *args))

    def gradient(self, runner) -> None:
        original = MIDistillLoss.forward
        self._patch(MIDistillLoss, 'forward', lambda *args: 1e9 * original(*args))

    def _patch(self, *args) -> None:
        patcher = patch.object(*args)
        patcher.start()
        self.undo.append(patcher.stop)
