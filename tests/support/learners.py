"""A learner without a run, and its step without a guard."""

from types import SimpleNamespace

import torch
from torch import Tensor, nn

from mmagic_mikd.host.learner import Learner, step_together


def learner_of(network: nn.Module, **cfg) -> Learner:
    runner = SimpleNamespace(_build_param_scheduler=lambda cfg, wrapper: [])
    return Learner(runner, 'learner', network, cfg, 'mi')


def step(learner: Learner, loss: Tensor) -> None:
    step_together({learner: loss}, torch.zeros(1), lambda signs, norms: [learner])
