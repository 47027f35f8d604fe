"""Pix2Pix on facades at 256 px, a U-Net of 64 channels into one of 16: alone, by L1, as recommended.

The three train for equal times, with equal seeds, from what is left of the run; scores and a picture.
"""

import time
from typing import Any

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmagic_mikd.apps.clone import CLONE
from mmagic_mikd.apps.quickstart.report import grid, picture
from mmagic_mikd.engine.recipes import FAST

from .bench import Bench, train

TEACHER, TESTING = 0.4, 0.2  # shares of the time; the students have the rest in equal parts
WAYS: dict[str, dict | None] = {
    'alone': None,
    'L1': dict(objectives=dict(l1=dict(type='L1Loss', loss_weight=25.0))),  # as in the studies
    'recommended': dict(
        start='sliced',
        objectives=dict(pyramid=dict(type='PyramidLaplaceLoss', loss_weight=15.0, learner=FAST)),
    ),
}
PICTURES, ROWS = 'pictures.jpg', 5


class Until(Hook):
    """Ends a training when its seconds are over; the first iteration, which is slow, does not count."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.begin = seconds, 0.0

    def after_train_iter(self, runner: Runner, *args: object, **kwargs: object) -> None:
        self.begin = self.begin or time.monotonic()
        if time.monotonic() - self.begin > self.seconds:
            runner.train_loop._max_iters = runner.iter + 1


class Images(Hook):
    """Keeps the pictures and the scores of an evaluation."""

    def __init__(self) -> None:
        self.samples: list[Any] = []

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: Any, outputs: Any) -> None:
        self.samples += list(outputs)[: ROWS - len(self.samples)]

    def after_test_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        self.metrics = metrics


def run(bench: Bench) -> None:
    whole, columns = max(bench.left, 1.0), {}
    share = 0.3 if bench.dry else (1 - TEACHER - TESTING) / len(WAYS) * whole
    checkpoint = bench.folder('teacher') / 'teacher.pth'
    with bench.row(model='teacher') as row:
        runner, shown = trained(bench, 64, None, 0.3 if bench.dry else TEACHER * whole, row)
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        torch.save(dict(state_dict=runner.model.state_dict()), checkpoint)
        columns |= {'input': pictures(shown, 'img_mask'), 'teacher': pictures(shown, 'fake_photo')}
    for name, distill in WAYS.items():
        with bench.row(model=name) as row:
            if distill is not None:
                teacher = config(bench, 64).model
                distill = dict(
                    type='DistillRunner', teacher=dict(model=teacher, checkpoint=str(checkpoint)), **distill
                )
            _, shown = trained(bench, 16, distill, share, row)
            columns[name] = pictures(shown, 'fake_photo')
            columns.pop('target', None)
            columns['target'] = pictures(shown, 'img_photo')
            grid(columns).convert('RGB').save(bench.out / PICTURES, quality=85)


def trained(
    bench: Bench, width: int, distill: dict | None, seconds: float, row: dict
) -> tuple[Runner, Images]:
    """Train for so long and evaluate; fills the row."""
    cfg, shown = config(bench, width), Images()
    if distill is not None:
        cfg.default_hooks.distill = distill
    begin = time.monotonic()
    runner = train(cfg, (Until(seconds), 'VERY_LOW'), (shown, 'LOWEST'))
    row |= dict(iterations=runner.iter, training=round(time.monotonic() - begin, 1))
    runner.test()
    row |= {k: round(v, 4) for k, v in shown.metrics.items() if k == 'swd/avg' or k.startswith('target/')}
    row['ok'] = all(value == value for value in row.values() if isinstance(value, float))
    return runner, shown


def config(bench: Bench, width: int) -> Config:
    """The study's at 256 px, with scores that need no file."""
    size = 32 if bench.dry else 256
    cfg = Config.fromfile(CLONE / 'benchmarks' / 'studies' / 'configs' / 'pix2pix_facades64.py')
    cfg.model.generator.update(num_down=size.bit_length() - 1, base_channels=width // (8 if bench.dry else 1))
    cfg.model.discriminator.update(base_channels=4 if bench.dry else 64)
    if bench.dry:
        cfg.model.discriminator.num_conv = 1
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = str(bench.data / 'facades')
        for step in loader.dataset.pipeline:
            if step.type == 'Cached':
                larger = size * 9 // 8 if loader is cfg.train_dataloader else size
                step.transforms[1].scale = (larger, larger)
            elif step.type == 'FixedCrop':
                step.crop_size = (size, size)
    cfg.test_dataloader.update(batch_size=2 if bench.dry else 10, num_batch_per_epoch=2 if bench.dry else 4)
    cfg.test_evaluator.metrics = [
        m for m in cfg.test_evaluator.metrics if m.type != 'BackboneFrechetDistance'
    ]
    for metric in cfg.test_evaluator.metrics:
        if metric.type == 'SlicedWasserstein':
            metric.image_shape = (3, size, size)
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=10**6)
    cfg.param_scheduler = None
    cfg.default_hooks.checkpoint = None
    cfg.default_hooks.logger = dict(type='LoggerHook', interval=100)
    cfg.work_dir, cfg.randomness = str(bench.folder(f'width{width}')), dict(seed=0)
    return cfg


def pictures(shown: Images, key: str) -> list:
    return [picture(getattr(sample, key)) for sample in shown.samples]
