"""What the tests look at: hooks, logs, checkpoints, metrics."""

import copy
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from mmagic_mikd import DistillRunner

from .base import data_folder


class Observer(Hook):
    """Calls back with the hook under test while its images are still there."""

    priority = 'HIGHEST'

    def __init__(self, callback):
        self.callback = callback

    def after_train_iter(self, runner, *args, **kwargs):
        self.callback(hook_of(runner))


class Recorder(Hook):
    """Keeps the metrics of an evaluation."""

    def after_test_epoch(self, runner, metrics=None):
        self.metrics = metrics


def hook_of(runner: Runner) -> DistillRunner:
    return next(hook for hook in runner.hooks if isinstance(hook, DistillRunner))


def scalars(runner: Runner) -> dict:
    """What was logged in training: name to one value per iteration."""
    history = runner.message_hub.log_scalars
    return {k.removeprefix('train/'): v.data[0] for k, v in history.items() if k.startswith('train/')}


def equal(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def load(path: Path) -> dict:
    return torch.load(path, map_location='cpu', weights_only=True)


def reload_in_mmagic(cfg: Config, checkpoint: Path) -> torch.nn.Module:
    """Build the model of the toolbox and load every weight; nothing of ours may be part of it."""
    from mmagic.registry import MODELS

    with DefaultScope.overwrite_default_scope('mmagic'):
        model = MODELS.build(copy.deepcopy(cfg.model))
    model.load_state_dict(load(checkpoint)['state_dict'], strict=True)
    assert not [m for m in model.modules() if type(m).__module__.startswith('mmagic_mikd')]
    return model


def evaluate(cfg: Config, checkpoint: Path) -> dict:
    """What ``tools/test.py`` does with a config and a checkpoint, and the metrics it prints."""
    cfg = copy.deepcopy(cfg)
    cfg.load_from = str(checkpoint)
    runner, recorder = Runner.from_cfg(cfg), Recorder()
    runner.register_hook(recorder)
    runner.test()
    return recorder.metrics


def frechet(**kwargs) -> dict:
    """The Frechet distance on the features of the CIFAR ResNet-56."""
    return dict(
        type='BackboneFrechetDistance',
        backbone=dict(type='CifarResNet', depth=56),
        checkpoint=str(data_folder('weights_cifar_resnet') / 'resnet56-4bfd9763.th'),
        name='resnet56-cifar10',
        input_size=32,
        **kwargs,
    )
