"""MMagic's own configs, shrunk, with our metrics, evaluated by its own loops on real images."""

import copy
import json
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from places import ROOT

import mmagic_mikd.evaluation  # noqa: F401  registers the metrics

DATA = ROOT.parent / 'shared' / 'data'
WEIGHTS = DATA / 'weights_cifar_resnet' / 'resnet56-4bfd9763.th'


def data_folder(name: str) -> Path:
    folder = DATA / name
    if not folder.is_dir():
        pytest.skip(f'needs ../shared/data/{name}')
    return folder


def frechet(**kwargs) -> dict:
    """The metric on ResNet-56 features."""
    data_folder('weights_cifar_resnet')
    defaults = dict(
        type='BackboneFrechetDistance',
        backbone=dict(type='CifarResNet', depth=56),
        checkpoint=str(WEIGHTS),
        name='resnet56-cifar10',
        input_size=32,
    )
    return defaults | kwargs


class Recorder(Hook):
    """Keeps the metrics of every evaluation and the model's outputs of the last one."""

    def __init__(self) -> None:
        self.metrics: list[dict] = []
        self.outputs: list = []

    def before_test(self, runner):
        self.outputs.clear()

    def after_test_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.outputs += outputs

    def after_test_epoch(self, runner, metrics=None):
        self.metrics.append(metrics)

    before_val, after_val_iter, after_val_epoch = before_test, after_test_iter, after_test_epoch


def pix2pix(work_dir: Path, metrics: list[dict], batch_size: int = 4) -> Config:
    """A U-Net with dropout on 64 px facades, labels to photo."""
    cfg = _base('pix2pix/pix2pix_vanilla-unet-bn_1xb1-80kiters_facades.py', work_dir, metrics)
    cfg.model.generator.update(num_down=6, base_channels=4)
    cfg.model.discriminator.base_channels = 4
    _first_images(data_folder('facades') / 'test', work_dir / 'data/test', 10)
    return _evaluate(cfg, work_dir / 'data', batch_size, size=64)


def cyclegan(work_dir: Path, metrics: list[dict], batch_size: int = 4, images: int = 10) -> Config:
    """Instance normalisation and no dropout, so images do not depend on the batch; landscapes."""
    name = 'cyclegan/cyclegan_lsgan-id0-resnet-in_1xb1-250kiters_summer2winter.py'
    cfg = _base(name, work_dir, metrics)
    cfg.model.generator.update(base_channels=4, num_blocks=1)
    cfg.model.discriminator.base_channels = 4
    for domain in 'AB':
        source = data_folder('summer2winter') / f'test{domain}'
        _first_images(source, work_dir / f'data/test{domain}', images)
    return _evaluate(cfg, work_dir / 'data', batch_size)


def dcgan(work_dir: Path, metrics: list[dict]) -> Config:
    """Images of 64 px from noise, by current and by averaged weights."""
    cfg = _base('dcgan/dcgan_1xb128-5epoches_lsun-bedroom-64x64.py', work_dir, metrics)
    cfg.model.generator.base_channels = cfg.model.discriminator.base_channels = 8
    cfg.model.ema_config = dict(type='ExponentialMovingAverage')
    _first_images(data_folder('noto_emoji_128') / 'images', work_dir / 'data', 10)
    return _evaluate(cfg, work_dir / 'data', batch_size=4)


def edsr(work_dir: Path, metrics: list[dict]) -> Config:
    """Super-resolution by four on Set5, whose five images differ in size."""
    cfg = _base('edsr/edsr_x4c64b16_1xb16-300k_div2k.py', work_dir, metrics)
    cfg.model.generator.update(mid_channels=4, num_blocks=1)
    cfg.test_dataloader = cfg.val_dataloader
    cfg.test_dataloader.dataset.data_prefix = dict(img='LR_x4', gt='GT')
    return _evaluate(cfg, data_folder('sr_set5'), batch_size=1)


def build(cfg: Config, *hooks: Hook) -> tuple[Runner, Recorder]:
    """A runner with visible random weights, and what it will report."""
    runner, recorder = Runner.from_cfg(copy.deepcopy(cfg)), Recorder()
    for hook in (*hooks, recorder):
        runner.register_hook(hook)
    generator = torch.Generator().manual_seed(0)
    for parameter in runner.model.parameters():
        if parameter.ndim > 1:  # the weights of an untrained network leave images grey
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.2
    return runner, recorder


def evaluate_as(rank: int, folder: Path, cfg: Config) -> None:
    """One of two processes on CPU; both must report the same."""
    rendezvous = dict(init_method=f'file://{folder}/store', timeout=timedelta(seconds=120))
    dist.init_process_group('gloo', rank=rank, world_size=2, **rendezvous)
    try:
        runner, recorder = build(cfg)
        runner.test()
        assert len(recorder.outputs) == 5
        (folder / f'{rank}.json').write_text(json.dumps(recorder.metrics[0]))
    finally:
        dist.destroy_process_group()


def second_process(index: int, folder: Path, cfg: Config) -> None:
    """For `spawn`, whose processes can import this module, but no test."""
    evaluate_as(1, folder, cfg)


def _base(name: str, work_dir: Path, metrics: list[dict]) -> Config:
    cfg = Config.fromstring(f"_base_ = ['mmagic::{name}']", '.py')
    cfg.work_dir = str(work_dir)
    cfg.custom_hooks, cfg.log_level, cfg.randomness = [], 'WARNING', dict(seed=0)
    cfg.vis_backends = [dict(type='LocalVisBackend')]
    cfg.visualizer = dict(type='Visualizer', vis_backends=cfg.vis_backends)
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook')  # without `save_best` of absent FID
    for key in ('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler'):
        cfg[key] = None
    for mode, loop in (('val', 'MultiValLoop'), ('test', 'MultiTestLoop')):
        cfg[f'{mode}_cfg'] = dict(type=loop)
        cfg[f'{mode}_evaluator'] = dict(type='Evaluator', metrics=copy.deepcopy(metrics))
    return cfg


def _evaluate(cfg: Config, data_root: Path, batch_size: int, size: int = 32) -> Config:
    """The same loader for val and test, in this process; ``size`` where images are resized."""
    loader = cfg.test_dataloader
    loader.update(batch_size=batch_size, num_workers=0, persistent_workers=False)
    loader.dataset.data_root = str(data_root)
    if 'test_mode' in loader.dataset:
        loader.dataset.test_mode = True
    for transform in loader.dataset.pipeline:
        if transform.type == 'TransformBroadcaster':
            resize = transform.transforms
            (resize[0] if isinstance(resize, list) else resize).scale = (size, size)
    cfg.val_dataloader = copy.deepcopy(loader)
    return cfg


def _first_images(source: Path, folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    for path in sorted(source.iterdir())[:count]:
        (folder / path.name).symlink_to(path)
