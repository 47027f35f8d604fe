"""Students of each first-class family as they come out of a training, for tests of what is made of them."""

from functools import partial

import torch
from families import cyclegan, nafnet, pix2pix, stylegan2, super_resolution
from families.base import data_folder
from families.translation import resize
from mmengine.config import Config
from mmengine.registry import DefaultScope
from places import ROOT
from torch.nn.modules.batchnorm import _BatchNorm


def trained(cfg, folder):
    """A config and a checkpoint, in which nothing is zero that would hide a wrong file."""
    from mmagic.registry import MODELS

    with torch.random.fork_rng(), DefaultScope.overwrite_default_scope('mmagic'):
        torch.manual_seed(3)
        model = MODELS.build(cfg.model)
        for module in model.modules():
            if isinstance(module, _BatchNorm) and module.track_running_stats:
                module.running_mean.normal_(std=0.2)
                module.running_var.uniform_(0.5, 2)
        for parameter in model.parameters():
            if parameter.numel() and parameter.abs().max() == 0:
                parameter.data.normal_(std=0.1)
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(dict(state_dict=model.state_dict(), meta={}), folder / 'student.pth')
    cfg.dump(folder / 'student.py')
    return [str(folder / 'student.py'), str(folder / 'student.pth')]


def pix2pix_with_a_test_set(work_dir, iters=2):
    """With a test set of three images in one batch."""
    cfg = pix2pix(work_dir, iters)
    original = Config.fromfile(ROOT / 'configs' / 'mikd_pix2pix.py')
    loader = original.test_dataloader
    loader.update(num_workers=0, persistent_workers=False, batch_size=3)
    loader.dataset.data_root = str(data_folder('facades'))
    resize(loader.dataset.pipeline, 32, 32)
    cfg.test_dataloader, cfg.test_cfg = loader, original.test_cfg
    cfg.test_evaluator = dict(type='Evaluator', metrics=[dict(type='PSNR', gt_key='img_photo')])
    return cfg


def mobile_pix2pix(work_dir, iters=2):
    """The small ResNet of depthwise convolutions in place of the U-Net."""
    cfg = pix2pix_with_a_test_set(work_dir, iters)
    channels = dict(in_channels=3, out_channels=3, base_channels=4)
    cfg.model.generator = dict(type='MobileResnetGenerator', num_blocks=1, **channels)
    return cfg


FAMILIES = dict(
    pix2pix=pix2pix_with_a_test_set,
    mobile_pix2pix=mobile_pix2pix,
    cyclegan=cyclegan,
    stylegan2=stylegan2,
    narrow_stylegan2=partial(stylegan2, widths=(16, 8)),
    nafnet=nafnet,
    **{name: partial(super_resolution, name) for name in ('edsr', 'srresnet', 'rdn', 'esrgan', 'srgan')},
)
LATENT = ('stylegan2', 'narrow_stylegan2')  # of pictures of noise
