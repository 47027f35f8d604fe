"""Tiny runs of the families with all that a checkpoint must hold: dropout, pools, schedules, averages."""

import families
from mmengine.config import Config


def short(cfg: Config) -> Config:
    """A chain of two steps, which draws as the ten of the other tests do; they were a third of such a run."""
    cfg.default_hooks.distill.objectives.mi.chain.steps = 2
    return cfg


def pix2pix(folder, iters=4):
    cfg = short(families.pix2pix(folder, iters))
    # A U-Net drops features, in every forward pass, from the sixth level on, which takes 64 pixels.
    cfg.model.generator.update(use_dropout=True, num_down=6)
    for transform in cfg.train_dataloader.dataset.pipeline:
        if transform.type in ('Resize', 'FixedCrop'):
            transform.update(
                {'Resize': dict(scale=(68, 68)), 'FixedCrop': dict(crop_size=(64, 64))}[transform.type]
            )
    return cfg


def cyclegan(folder, iters=4):
    cfg = short(families.cyclegan(folder, iters))
    cfg.model.buffer_size = 1  # full from the second iteration on
    return cfg


def stylegan2(folder, iters=4):
    return short(families.stylegan2(folder, iters, widths=(16, 8)))


def edsr(folder, iters=4):
    """With a schedule of the learning rate, and averaged weights by the toolbox's hook for networks."""
    cfg = short(families.edsr(folder, iters))
    cfg.param_scheduler = dict(type='CosineAnnealingLR', T_max=iters, by_epoch=False, begin=1)
    cfg.custom_hooks = [dict(type='ExponentialMovingAverageHook', module_keys=('generator_ema',), interval=1)]
    return cfg


def srgan(folder, iters=4):
    cfg = short(families.srgan(folder, iters, batch_size=1))
    cfg.custom_hooks = [dict(type='EMAHook', momentum=0.25)]
    return cfg


FAMILIES = dict(pix2pix=pix2pix, cyclegan=cyclegan, stylegan2=stylegan2, edsr=edsr, srgan=srgan)
BASES = dict(FAMILIES, cagc=families.cagc)


def every(cfg, interval, **settings):
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=interval, by_epoch=False, **settings)
    return cfg
