"""Tiny runs of MMagic's own configs on real images: what the end-to-end tests train."""

import copy
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

ROOT = Path(__file__).parents[1]
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


def shrink_pix2pix(model: dict, width: int) -> None:
    """A U-Net for 32 px; no dropout, so that runs of the same weights can be compared."""
    model.generator.update(base_channels=width, num_down=5, use_dropout=False)
    model.discriminator.update(base_channels=4, num_conv=1)


def pix2pix(work_dir: Path, iters: int = 2, batch_size: int = 2) -> Config:
    """configs/mikd_pix2pix.py on facades at 32 px, teacher 8 and student 4 channels wide."""
    cfg = Config.fromfile(ROOT / 'configs' / 'mikd_pix2pix.py')
    cfg = common(cfg, work_dir, iters)
    distill = cfg.default_hooks.distill
    shrink_pix2pix(cfg.model, 4)
    shrink_pix2pix(distill.teacher.model, 8)
    distill.critic.update(base_channels=2, image_size=32)
    cfg.train_dataloader.batch_size = batch_size
    cfg.train_dataloader.dataset.data_root = str(data_folder('facades'))
    for transform in cfg.train_dataloader.dataset.pipeline:
        if transform.type == 'Resize':
            transform.scale = (36, 36)
        if transform.type == 'FixedCrop':
            transform.crop_size = (32, 32)
    distill.teacher.checkpoint = save_teacher(distill.teacher.model, work_dir)
    return cfg


def save_teacher(model: dict, folder: Path) -> str:
    """A teacher with random weights and running statistics that are not the start values."""
    from mmagic.registry import MODELS

    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(), DefaultScope.overwrite_default_scope('mmagic'):
        torch.manual_seed(1)
        teacher = MODELS.build(copy.deepcopy(model))
        for name, buffer in teacher.named_buffers():
            if name.endswith('running_mean'):
                buffer.normal_()
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
