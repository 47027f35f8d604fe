"""StyleGAN2."""

from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import Config

from .base import ROOT, data_folder, energy_alone, save_teacher, small
from .inspection import load


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


def stylegan2(
    work_dir: Path,
    iters: int = 2,
    batch_size: int = 2,
    size: int = 16,
    widths: tuple[int, int] | None = None,
) -> Config:
    """configs/mikd_stylegan2.py on emoji, few latent channels, a small discriminator, noise at work.

    Args:
        widths: channels in every layer, of teacher and student, for speed. The toolbox's generator has 512
            up to 32 px, whatever its multiplier, and such a teacher takes a second to be made and saved.
    """
    cfg = small(Config.fromfile(ROOT / 'configs' / 'mikd_stylegan2.py'), work_dir, iters, batch_size)
    distill = cfg.default_hooks.distill
    for model in (cfg.model, distill.teacher.model):
        model.generator.update(out_size=size, style_channels=8, num_mlps=2, channel_multiplier=1)
        model.discriminator = dict(
            type='DCGANDiscriminator', input_scale=size, output_scale=4, out_channels=1, base_channels=4
        )
        model.ema_config.momentum = 0.1
    for model, width in zip((distill.teacher.model, cfg.model), widths or (), strict=False):
        model.generator.update(type='NarrowStyleGAN2Generator', width=width)
    energy_alone(distill, size, loss_weight=0.05)
    distill.objectives.mi.chain.step_size = 50.0
    distill.start = dict(style_mapping='inherited')
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = str(emoji(work_dir / 'data', size))
    distill.teacher.checkpoint = save_teacher(distill.teacher.model, work_dir)
    add_noise(distill.teacher.checkpoint)
    return cfg


def cagc(work_dir: Path, iters: int = 2, batch_size: int = 2, size: int = 16) -> Config:
    """configs/styleganv2/mikd-cagc-*: a student of half of its teacher's channels, on emoji of 16 px.

    The content is a disc. What looks through VGG-16 has a small random network in its place.
    """
    name = 'mikd-cagc-stylegan2_c2-cut70_8xb2-450kiters_ffhq-256x256.py'
    cfg = stylegan2(work_dir, iters, batch_size, size, widths=(16, 8))
    distill = Config.fromfile(ROOT / 'configs' / 'styleganv2' / name).default_hooks.distill
    disc = np.zeros((64, 64), np.uint8)
    cv2.circle(disc, (32, 32), 24, 255, -1)
    mask = str(work_dir / 'content.png')
    cv2.imwrite(mask, disc)
    for part in (distill.start, distill.objectives.l1, distill.objectives.perceptual):
        part.mask = mask
    distill.start.batches = 2
    distill.objectives.perceptual.backbone = dict(type='random', widths=(4, 8))
    distill.objectives.mi.critic = dict(base_channels=2, image_size=size)
    distill.objectives.mi.chain.steps = 2
    distill.teacher = cfg.default_hooks.distill.teacher
    cfg.default_hooks.distill = distill
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
