"""Tiny runs of MMagic's own configs on real images: what the end-to-end tests train."""

import copy
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from mmagic_mikd import DistillRunner

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


# ---- the other families -------------------------------------------------------------------------


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
    """configs/mikd_cyclegan.py on summer2winter at 32 px, teachers 8 and students 4 channels wide."""
    cfg = small(Config.fromfile(ROOT / 'configs' / 'mikd_cyclegan.py'), work_dir, iters, batch_size)
    distill = cfg.default_hooks.distill
    for model, width in ((cfg.model, 4), (distill.teacher.model, 8)):
        model.generator.update(base_channels=width, num_blocks=1)
        model.discriminator.update(base_channels=4, num_conv=1)
    distill.critic.update(base_channels=2, image_size=32)
    cfg.train_dataloader.dataset.data_root = str(data_folder('summer2winter'))
    resize(cfg.train_dataloader.dataset.pipeline, 36, 32)
    resize(cfg.test_dataloader.dataset.pipeline, 32, 32)
    for domain in 'AB':
        first_images(data_folder('summer2winter') / f'test{domain}', work_dir / 'data' / f'test{domain}', 8)
    cfg.test_dataloader.dataset.data_root = str(work_dir / 'data')
    distill.teacher.checkpoint = save_teacher(distill.teacher.model, work_dir)
    return cfg


def emoji(folder: Path, size: int, count: int = 8) -> Path:
    """Pictograms on white, of ``size`` pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted((data_folder('noto_emoji_128') / 'images').iterdir())[:count]:
        picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(np.float32)
        alpha = picture[..., 3:] / 255
        on_white = picture[..., :3] * alpha + 255 * (1 - alpha)
        small_picture = cv2.resize(on_white, (size, size), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(folder / path.name), small_picture.round().astype(np.uint8))
    return folder


def stylegan2(work_dir: Path, iters: int = 2, batch_size: int = 2, size: int = 16) -> Config:
    """configs/mikd_stylegan2.py on emoji, few latent channels, a small discriminator, noise at work.

    The toolbox's generator has 512 channels up to 32 px, whatever its multiplier.
    """
    cfg = small(Config.fromfile(ROOT / 'configs' / 'mikd_stylegan2.py'), work_dir, iters, batch_size)
    distill = cfg.default_hooks.distill
    for model in (cfg.model, distill.teacher.model):
        model.generator.update(out_size=size, style_channels=8, num_mlps=2, channel_multiplier=1)
        model.discriminator = dict(
            type='DCGANDiscriminator', input_scale=size, output_scale=4, out_channels=1, base_channels=4
        )
        model.ema_config.momentum = 0.1
    distill.critic.update(base_channels=2, image_size=size)
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = str(emoji(work_dir / 'data', size))
    distill.teacher.checkpoint = save_teacher(distill.teacher.model, work_dir)
    add_noise(distill.teacher.checkpoint)
    return cfg


def narrow(cfg: Config, teacher: int, student: int) -> Config:
    """StyleGAN2 with few channels in every layer, for speed."""
    for model, width in ((cfg.default_hooks.distill.teacher.model, teacher), (cfg.model, student)):
        model.generator.update(type='NarrowStyleGAN2Generator', width=width)
    distill = cfg.default_hooks.distill
    distill.teacher.checkpoint = save_teacher(distill.teacher.model, Path(cfg.work_dir))
    add_noise(distill.teacher.checkpoint)
    return cfg


def add_noise(checkpoint: str) -> None:
    """Strong noise injection, which starts at zero, and averaged weights that are not the current ones."""
    content = load(checkpoint)
    for key, value in content['state_dict'].items():
        if key.endswith('noise_injector.weight'):
            value.fill_(0.5)
        if key.startswith('generator_ema') and value.is_floating_point():
            value.mul_(1.25)
    torch.save(content, checkpoint)


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
    """configs/mikd_<name>.py on BSDS photographs, evaluated on three images each of Set5 and Set14."""
    cfg = small(Config.fromfile(ROOT / 'configs' / f'mikd_{name}.py'), work_dir, iters, batch_size)
    distill = cfg.default_hooks.distill
    for model, size in zip((cfg.model, distill.teacher.model), SR_SIZES[name], strict=True):
        model.generator.update(size)
        if 'discriminator' in model:
            model.discriminator.mid_channels = 2
            model.perceptual_loss = None  # would download VGG-19
    patch = 128 if 'discriminator' in cfg.model else 32  # which the discriminator insists on
    distill.critic.update(base_channels=2, image_size=patch)
    photographs(cfg, patch)
    standard_sets(cfg, images=3)
    distill.teacher.checkpoint = save_teacher(distill.teacher.model, work_dir)
    return cfg


def nafnet(work_dir: Path, iters: int = 2, batch_size: int = 2) -> Config:
    """configs/mikd_nafnet.py on BSDS photographs with noise added, evaluated on three of Set5."""
    cfg = small(Config.fromfile(ROOT / 'configs' / 'mikd_nafnet.py'), work_dir, iters, batch_size)
    distill = cfg.default_hooks.distill
    for model, width in ((cfg.model, 4), (distill.teacher.model, 8)):
        model.generator.update(mid_channels=width, enc_blk_nums=[1], middle_blk_num=1, dec_blk_nums=[1])
    distill.critic.update(base_channels=2, image_size=32)
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


# ---- what the tests look at ---------------------------------------------------------------------


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
