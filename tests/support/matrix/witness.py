"""A hook that watches a distillation from outside."""

import copy
import re

import torch
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapperDict
from mmengine.runner import Runner
from torch import nn

from mmagic_mikd import DistillRunner
from mmagic_mikd.engine.pair import Pair
from mmagic_mikd.host.taps import resolve


class Witness(Hook):
    """Sees what moved, whether the bound's gradient reached the student, and what the teacher was given.

    The last by a twin: a second pair whose teacher is the student itself, brought up to date before
    each call. On the same inputs and the same random draws it makes the same image, in training mode.
    """

    priority = 'LOW'  # after DistillRunner has attached itself

    def __init__(self) -> None:
        self.generator = self.optimisers = ''

    def before_run(self, runner: Runner) -> None:
        self._copy = copy.deepcopy(runner.model).requires_grad_(False)
        self._copy.train()

    def before_train(self, runner: Runner) -> None:
        self.hook = next(hook for hook in runner.hooks if isinstance(hook, DistillRunner))
        paths = [pair.path for pair in self.hook.pairs]
        self.students = [resolve(runner.model, path) for path in paths]
        self.generator = type(self.students[0]).__name__
        self.optimisers = layout(runner)
        self._start = [snapshot(network) for network in (*self.students, self.hook.objectives['mi'].critics)]
        self.reached = False
        self.hook.objectives['mi'].bound.register_forward_hook(self._on_bound)
        self.twins = [self._twin(runner.model, path) for path in paths]
        self.distances: list[float] = []

    def _twin(self, model: nn.Module, path: str) -> Pair:
        student, twin = resolve(model, path), resolve(self._copy, path)

        def update(module: nn.Module, args: tuple) -> None:
            twin.load_state_dict(module.state_dict())

        student.register_forward_pre_hook(update)
        return Pair(path, model, twin)

    def _on_bound(self, module: nn.Module, args: tuple, bound: torch.Tensor) -> None:
        weights = [p for student in self.students for p in student.parameters() if p.requires_grad]
        gradients = torch.autograd.grad(bound, weights, retain_graph=True, allow_unused=True)
        self.reached |= any(g is not None and bool(g.abs().sum() > 0) for g in gradients)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: object = None) -> None:
        for twin in self.twins:
            twin.arm()

    def after_train_iter(self, runner: Runner, batch_idx: int, *args, **kwargs) -> None:
        for twin in self.twins:
            if twin.s is not None:
                self.distances.append(float((twin.t - twin.s).detach().abs().max()))

    def verify(self) -> None:
        *students, critics = [
            snapshot(network) for network in (*self.students, self.hook.objectives['mi'].critics)
        ]
        *students_before, critics_before = self._start
        assert all(map(moved, students_before, students)), 'a student did not move'
        assert moved(critics_before, critics), 'the critic did not move'
        assert self.reached, 'the bound has no gradient in the student'
        assert self.distances and max(self.distances) < 1e-5, 'the teacher was not given what the student was'


def snapshot(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in network.named_parameters() if p.requires_grad}


def moved(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> bool:
    return any(not torch.equal(before[name], after[name]) for name in before)


def layout(runner: Runner) -> str:
    """The names of the optimiser wrappers; those of one stage each in one word."""
    if not isinstance(runner.optim_wrapper, OptimWrapperDict):
        return 'one'
    names = dict.fromkeys(re.sub(r'_\d+$', ' per stage', name) for name, _ in runner.optim_wrapper.items())
    return ' + '.join(names)
