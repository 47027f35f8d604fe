"""What every tiny run has in common, and the plain run to compare it with."""

import copy
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from places import ROOT
from torch.nn.utils.spectral_norm import SpectralNorm

DATA = ROOT.parent / 'shared' / 'data'


def data_folder(name: str) -> Path:
    """A folder of real images, or a skip that says which one is missing."""
    folder = DATA / name
    if not folder.is_dir():
        pytest.skip(f'needs the real images in ../shared/data/{name}')
    return folder


def common(cfg: Config, work_dir: Path, iters: int) -> Config:
    """No workers, no evaluation, few iterations, quiet: what a test needs of any config."""
    cfg.work_dir = str(work_dir)
    cfg.train_cfg = dict(by_epoch=False, max_iters=iters)
    for name in ('val', 'test'):
        for part in ('cfg', 'dataloader', 'evaluator'):
            cfg[f'{name}_{part}'] = None
    cfg.train_dataloader.update(num_workers=0, persistent_workers=False)
    cfg.custom_hooks = []
    cfg.default_hooks.logger = dict(type='LoggerHook', interval=1, log_metric_by_epoch=False)
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=iters, by_epoch=False)
    cfg.vis_backends = [dict(type='LocalVisBackend')]
    cfg.visualizer = dict(type='Visualizer', vis_backends=cfg.vis_backends)
    cfg.randomness = dict(seed=0, deterministic=True)
    cfg.log_level = 'WARNING'
    cfg.experiment_name = work_dir.name
    return cfg


def small(cfg: Config, work_dir: Path, iters: int, batch_size: int) -> Config:
    """``common``, and the evaluation that ``tools/test.py`` would run is kept."""
    test = {key: copy.deepcopy(cfg[key]) for key in ('test_cfg', 'test_dataloader', 'test_evaluator')}
    cfg = common(cfg, work_dir, iters)
    cfg.train_dataloader.batch_size = batch_size
    cfg._cfg_dict.update(test)
    loaders = cfg.test_dataloader if isinstance(cfg.test_dataloader, list) else [cfg.test_dataloader]
    for loader in loaders:
        loader.update(num_workers=0, persistent_workers=False)
    return cfg


def energy_alone(distill: dict, side: int, **settings) -> None:
    """The published bound with a tiny critic and nothing else, the case in which a test sees most."""
    for key in distill.keys() - {'type', 'teacher', 'pairs', 'guard'}:
        distill.pop(key)
    bound = dict(
        type='MIDistillLoss',
        loss_weight=0.1,
        energy_l2=0.05,
        target='teacher',
        critic=dict(type='EnergyCritic', base_channels=2, image_size=side),
        chain=dict(steps=10, step_size=100.0, noise_std=0.005),
        learner=dict(optimizer=dict(type='Adam', lr=1e-4, betas=(0.0, 0.999))),
    )
    distill.update(objectives=dict(mi=bound | settings))


def save_teacher(model: dict, folder: Path) -> str:
    """A teacher with random weights; running statistics that are not the start values, settled norms."""
    from mmagic.registry import MODELS

    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(), DefaultScope.overwrite_default_scope('mmagic'):
        torch.manual_seed(1)
        teacher = MODELS.build(copy.deepcopy(model))
        for name, buffer in teacher.named_buffers():
            if name.endswith('running_mean'):
                buffer.normal_()
        for module in teacher.modules():
            for hook in module._forward_pre_hooks.values():
                if isinstance(hook, SpectralNorm):
                    hook.n_power_iterations = 15
                    hook.compute_weight(module, do_power_iteration=True)
    path = folder / 'teacher.pth'
    torch.save(dict(meta={}, state_dict=teacher.state_dict()), path)
    return str(path)


def without_distillation(cfg: Config) -> Config:
    """The same run of the plain toolbox."""
    cfg = copy.deepcopy(cfg)
    cfg.default_hooks.pop('distill')
    return cfg


def train(cfg: Config) -> Runner:
    runner = Runner.from_cfg(copy.deepcopy(cfg))
    runner.train()
    return runner
