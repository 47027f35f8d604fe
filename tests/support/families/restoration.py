"""Super-resolution and denoising."""

import copy
from functools import partial
from pathlib import Path

from mmengine.config import Config

from .base import ROOT, data_folder, energy_alone, save_teacher, small


def photographs(cfg: Config, patch: int) -> None:
    """Train on patches of the BSDS photographs, the small ones made from the large ones."""
    pipeline = copy.deepcopy(cfg.sr_x4.train_pipeline)
    next(step for step in pipeline if step.type == 'PairedRandomCrop').gt_patch_size = patch
    cfg.train_dataloader.dataset = dict(
        type='BasicImageDataset',
        data_root=str(data_folder('sr_bsds200_train')),
        data_prefix=dict(gt='images'),
        pipeline=pipeline,
    )


def standard_sets(cfg: Config, images: int) -> None:
    """Evaluate on the first images of Set5 and Set14, from the small images that come with them."""
    cfg.test_dataloader, cfg.test_evaluator = cfg.test_dataloader[:2], cfg.test_evaluator[:2]
    for loader, name in zip(cfg.test_dataloader, ('sr_set5', 'sr_set14'), strict=True):
        loader.dataset.update(
            data_root=str(data_folder(name)),
            data_prefix=dict(img='LR_x4', gt='GT'),
            pipeline=cfg.sr_x4.test_pipeline,
            indices=images,
        )


SR_SIZES = {  # of student and teacher
    'edsr': (dict(mid_channels=4, num_blocks=1), dict(mid_channels=8, num_blocks=1)),
    'rdn': (
        dict(mid_channels=4, num_blocks=1, num_layers=1),
        dict(mid_channels=4, num_blocks=2, num_layers=1),
    ),
    'esrgan': (
        dict(mid_channels=4, growth_channels=2, num_blocks=1),
        dict(mid_channels=8, growth_channels=2, num_blocks=1),
    ),
}
SR_SIZES['srresnet'] = SR_SIZES['srgan'] = SR_SIZES['edsr']


def super_resolution(name: str, work_dir: Path, iters: int = 2, batch_size: int = 2) -> Config:
    """configs/mikd_<name>.py on BSDS photographs, evaluated on three of Set5 and Set14; the bound alone."""
    cfg = small(Config.fromfile(ROOT / 'configs' / f'mikd_{name}.py'), work_dir, iters, batch_size)
    distill = cfg.default_hooks.distill
    for model, size in zip((cfg.model, distill.teacher.model), SR_SIZES[name], strict=True):
        model.generator.update(size)
        if 'discriminator' in model:
            model.discriminator.mid_channels = 2
            model.perceptual_loss = None  # would download VGG-19
    patch = 128 if 'discriminator' in cfg.model else 32  # which the discriminator insists on
    energy_alone(distill, patch)
    photographs(cfg, patch)
    standard_sets(cfg, images=3)
    distill.teacher.checkpoint = save_teacher(distill.teacher.model, work_dir)
    return cfg


edsr, srgan = partial(super_resolution, 'edsr'), partial(super_resolution, 'srgan')


def nafnet(work_dir: Path, iters: int = 2, batch_size: int = 2) -> Config:
    """configs/mikd_nafnet.py on BSDS photographs with noise added, evaluated on three of Set5."""
    cfg = small(Config.fromfile(ROOT / 'configs' / 'mikd_nafnet.py'), work_dir, iters, batch_size)
    distill = cfg.default_hooks.distill
    for model, width in ((cfg.model, 4), (distill.teacher.model, 8)):
        model.generator.update(mid_channels=width, enc_blk_nums=[1], middle_blk_num=1, dec_blk_nums=[1])
    energy_alone(distill, 32)
    pipelines = copy.deepcopy(cfg.gaussian_noise)
    next(step for step in pipelines.train_pipeline if step.type == 'PairedRandomCrop').gt_patch_size = 32
    for loader, name, folder in (
        (cfg.train_dataloader, 'sr_bsds200_train', 'images'),
        (cfg.test_dataloader, 'sr_set5', 'GT'),
    ):
        pipeline = pipelines.train_pipeline if folder == 'images' else pipelines.test_pipeline
        loader.dataset = dict(
            type='BasicImageDataset',
            data_root=str(data_folder(name)),
            data_prefix=dict(gt=folder),
            pipeline=pipeline,
        )
    cfg.test_dataloader.dataset.indices = 3
    distill.teacher.checkpoint = save_teacher(distill.teacher.model, work_dir)
    return cfg
