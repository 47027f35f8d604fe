"""Two processes with the samples of one: what makes a batch of n on each the batch of 2n on one."""

import pytest
import torch
import torch.nn.functional as F
from mmengine import dist
from mmengine.config import Config
from mmengine.registry import DATASETS
from torch import Tensor, nn
from torch.utils.data import Dataset

from mmagic_mikd.utils.rng import seeded


@DATASETS.register_module()
class SeededItems(Dataset):
    """Crops and flips that depend on the item alone, not on who loads it."""

    def __init__(self, dataset: dict) -> None:
        self.dataset = DATASETS.build(dataset)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> dict:
        with seeded(index):
            return self.dataset[index]


def comparable(cfg: Config, batch_size: int, loss_weight: float) -> Config:
    """One iteration of plain gradient descent without draws of its own, distilled strongly."""
    cfg.same_samples = True
    cfg.train_dataloader.batch_size = batch_size
    cfg.train_dataloader.dataset = dict(type='SeededItems', dataset=cfg.train_dataloader.dataset)
    wrappers = [cfg.optim_wrapper] if 'optimizer' in cfg.optim_wrapper else cfg.optim_wrapper.values()
    for wrapper in (
        *(w for w in wrappers if isinstance(w, dict)),
        cfg.default_hooks.distill.objectives.mi.learner,
    ):
        wrapper.optimizer = dict(type='SGD', lr=1e-3)
    distill = cfg.default_hooks.distill
    distill.objectives.mi.chain.noise_std = 0.0
    distill.objectives.mi.loss_weight = loss_weight
    distill.objectives.l1 = dict(type='L1Loss', loss_weight=1.0)
    if 'loss_config' in cfg.model and 'g_reg_weight' in cfg.model.loss_config:
        cfg.model.loss_config.g_reg_weight = 0.0  # looks at the mean over the batch
    return cfg


def separate_samples(patch: pytest.MonkeyPatch) -> None:
    """No layer looks across the batch; latents and injected noise are those of the sample."""
    from mmagic.models.base_models.base_gan import BaseGAN
    from mmagic.models.editors.stylegan1.stylegan1_modules import NoiseInjection

    patch.setattr(nn.BatchNorm2d, 'forward', _instance_norm)
    patch.setattr(BaseGAN, 'noise_fn', _share_of_latents)
    inject = NoiseInjection.forward

    def inject_the_same(self, image, noise=None, return_noise=False):
        return inject(self, image, _same_noise(image), return_noise)

    patch.setattr(NoiseInjection, 'forward', inject_the_same)


def _instance_norm(self: nn.BatchNorm2d, x: Tensor) -> Tensor:
    return F.instance_norm(x, weight=self.weight, bias=self.bias)


def _share_of_latents(self: nn.Module, noise: Tensor | None = None, num_batches: int = 1) -> Tensor:
    """This process' rows, dealt out in turn as the sampler deals out images."""
    world = dist.get_world_size()
    rows = torch.randn(num_batches * world, self.noise_size, generator=torch.Generator().manual_seed(0))
    return rows[dist.get_rank() :: world]


def _same_noise(image: Tensor) -> Tensor:
    return torch.randn(1, 1, *image.shape[2:], generator=torch.Generator().manual_seed(0)).expand(
        len(image), -1, -1, -1
    )
