"""Pix2Pix and CycleGAN."""

from pathlib import Path

from mmengine.config import Config

from .base import ROOT, common, data_folder, energy_alone, save_teacher, small


def shrink_pix2pix(model: dict, width: int) -> None:
    """A U-Net for 32 px; no dropout, so that runs of the same weights can be compared."""
    model.generator.update(base_channels=width, num_down=5, use_dropout=False)
    model.discriminator.update(base_channels=4, num_conv=1)


def pix2pix(work_dir: Path, iters: int = 2, batch_size: int = 2) -> Config:
    """configs/mikd_pix2pix.py on facades at 32 px, teacher 8 and student 4 channels wide.

    The energy-based bound alone, with the teacher's image as t; the config itself has the photograph as t, a
    pyramid and a sliced start.
    """
    cfg = Config.fromfile(ROOT / 'configs' / 'mikd_pix2pix.py')
    cfg = common(cfg, work_dir, iters)
    distill = cfg.default_hooks.distill
    shrink_pix2pix(cfg.model, 4)
    shrink_pix2pix(distill.teacher.model, 8)
    energy_alone(distill, 32)
    cfg.train_dataloader.batch_size = batch_size
    facades(cfg)
    distill.teacher.checkpoint = save_teacher(distill.teacher.model, work_dir)
    return cfg


def facades(cfg: Config) -> None:
    """Train on the real ones, at 32 px."""
    cfg.train_dataloader.dataset.data_root = str(data_folder('facades'))
    for transform in cfg.train_dataloader.dataset.pipeline:
        if transform.type == 'Resize':
            transform.scale = (36, 36)
        if transform.type == 'FixedCrop':
            transform.crop_size = (32, 32)


def resize(pipeline: list[dict], load: int, crop: int) -> None:
    """Let a translation pipeline load pictures of ``load`` pixels and cut ``crop`` out of them."""
    for transform in pipeline:
        if transform.type == 'TransformBroadcaster':
            steps = transform.transforms
            for step in steps if isinstance(steps, list) else [steps]:
                step.update(
                    dict(scale=(load, load)) if step.type == 'Resize' else dict(crop_size=(crop, crop))
                )


def first_images(source: Path, folder: Path, count: int) -> Path:
    """A folder with links to the first pictures of another one."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir())[:count]:
        if not (folder / path.name).exists():
            (folder / path.name).symlink_to(path)
    return folder


def cyclegan(work_dir: Path, iters: int = 2, batch_size: int = 1) -> Config:
    """configs/mikd_cyclegan.py on summer2winter at 32 px, teachers 8 and students 4 wide; the bound alone."""
    cfg = small(Config.fromfile(ROOT / 'configs' / 'mikd_cyclegan.py'), work_dir, iters, batch_size)
    distill = cfg.default_hooks.distill
    for model, width in ((cfg.model, 4), (distill.teacher.model, 8)):
        model.generator.update(base_channels=width, num_blocks=1)
        model.discriminator.update(base_channels=4, num_conv=1)
    energy_alone(distill, 32)
    cfg.train_dataloader.dataset.data_root = str(data_folder('summer2winter'))
    resize(cfg.train_dataloader.dataset.pipeline, 36, 32)
    resize(cfg.test_dataloader.dataset.pipeline, 32, 32)
    for domain in 'AB':
        first_images(data_folder('summer2winter') / f'test{domain}', work_dir / 'data' / f'test{domain}', 8)
    cfg.test_dataloader.dataset.data_root = str(work_dir / 'data')
    distill.teacher.checkpoint = save_teacher(distill.teacher.model, work_dir)
    return cfg


def omgd(work_dir: Path, iters: int = 2, batch_size: int = 2) -> Config:
    """configs/pix2pix/omgd-*: two teachers in training, 8 and 4 wide, a student of 4, on facades at 32 px.

    What looks through VGG-16 has a small random network in its place.
    """
    name = 'omgd-pix2pix_vanilla-unet-bn-c16_1xb4-558kiters_cityscapes.py'
    cfg = small(Config.fromfile(ROOT / 'configs' / 'pix2pix' / name), work_dir, iters, batch_size)
    teachers = cfg.model.teachers
    for generator, width in (
        (cfg.model.generator, 4),
        *zip(teachers.generators.values(), (8, 4), strict=True),
    ):
        generator.update(base_channels=width, num_down=5)
    teachers.discriminator.update(base_channels=4, num_conv=1, shared=1)
    cfg.model.every = 2
    tiny(cfg)
    facades(cfg)
    return cfg


def omgd_cyclegan(work_dir: Path, iters: int = 8) -> Config:
    """configs/cyclegan/omgd-*: a CycleGAN 8 wide and a student 4 wide, in phases of 2, on seasons at 32 px."""
    name = 'omgd-cyclegan_lsgan-mobile-resnet-in-c16_1xb1-1256kiters_summer2winter.py'
    cfg = Config.fromfile(ROOT / 'configs' / 'cyclegan' / name)
    (selection,) = cfg.custom_hooks
    cfg = small(cfg, work_dir, iters, batch_size=1)
    cfg.custom_hooks = [selection]
    cfg.model.generator.base_channels, cfg.model.teachers.generator.base_channels = 4, 8
    cfg.model.teachers.discriminator.update(base_channels=4, num_conv=1)
    cfg.model.teachers.buffer_size = 1  # full from the second iteration on
    cfg.model.phases = (2, 2)
    tiny(cfg)
    source = data_folder('summer2winter')
    for split in ('trainA', 'trainB', 'testA', 'testB'):
        first_images(source / split, work_dir / 'data' / split, 20)
    for loader in (cfg.train_dataloader, selection.dataloader, cfg.test_dataloader):
        loader.dataset.data_root = str(work_dir / 'data')
        resize(loader.dataset.pipeline, 36 if loader is cfg.train_dataloader else 32, 32)
    selection.dataloader.update(num_workers=0, persistent_workers=False)
    swd = dict(real_key='img_winter', fake_key='fake_winter', image_shape=(3, 32, 32))
    selection.evaluator.metrics = [dict(swd, type='SlicedWasserstein')]
    selection.score = 'swd/avg'
    return cfg


def tiny(cfg: Config) -> None:
    """No schedules, and for VGG-16 a small random network."""
    cfg.param_scheduler = None
    for objective in cfg.default_hooks.distill.objectives.values():
        if 'backbone' in objective:
            objective.backbone = dict(type='random', widths=(4, 8))
        if 'learner' in objective:
            objective.learner.pop('param_scheduler')
