"""Mutual information under a Gaussian q(t|s): a squared distance that learns how much each channel counts."""

import math
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..utils.checks import require_number
from ..utils.errors import ConfigError

MOST_CHANNELS = 65536


def _softplus_inverse(value: float) -> float:
    """Which is the value itself where the exponential would overflow: they differ by exp(-value)."""
    return math.log(math.expm1(value)) if value < 100 else float(value)


class VIDLoss(nn.Module):
    """-log q(t|s), up to a constant, of the Gaussian with mean s and one learned variance per channel.

    Ahn et al., "Variational Information Distillation for Knowledge Transfer", CVPR 2019, equation 5:
    sum over channels and pixels of log sigma_c + (t - s)^2 / (2 sigma_c^2), here their mean, and
    sigma_c^2 = softplus(alpha_c) + eps. At variance 1 it is half the squared distance. Student and teacher
    make the same kind of image, so s itself is the mean and no regressor is needed.

    The best variance is the mean squared residual of its channel. Adam moves alpha by about its learning
    rate in an update: from the published start to a variance of 0.05 these are 8 units, 80,000 updates at
    1e-4 and 8,000 at the 1e-3 of ``learner``, so a shorter run needs a start that is closer.

    Args:
        loss_weight: its weight in the student's loss.
        channels: of the images, or of the features of ``layer``.
        initial_variance: of every channel; 5.0 as published. In the squared units of the images, which are
            mostly in [-1, 1] or [0, 1].
        eps: least variance; 1e-5 as published.
    """

    learner: ClassVar[dict] = dict(optimizer=dict(type='Adam', lr=1e-3))

    def __init__(
        self, loss_weight: float = 1.0, channels: int = 3, initial_variance: float = 5.0, eps: float = 1e-5
    ) -> None:
        super().__init__()
        require_number('VIDLoss: loss_weight', loss_weight, least=0)
        require_number('VIDLoss: channels', channels, least=1, most=MOST_CHANNELS, whole=True)
        require_number('VIDLoss: eps', eps, least=1e-12)
        require_number('VIDLoss: initial_variance', initial_variance, above=eps, most=1e12)
        self.loss_weight, self.eps = loss_weight, eps
        self.alpha = nn.Parameter(torch.full((channels,), _softplus_inverse(initial_variance - eps)))

    @property
    def variance(self) -> Tensor:
        """sigma_c^2 of each channel."""
        return F.softplus(self.alpha) + self.eps

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Scalar from images (N, C, H, W) or clips (N, T, C, H, W); differentiable in ``student`` and alpha.

        Raises:
            ConfigError: they differ in shape, or have another number of channels.
        """
        return self.loss_weight * 0.5 * self._energies(teacher.detach(), student).mean()

    def energy(self, t: Tensor, s: Tensor) -> Tensor:
        """-log q(t|s) of each sample, (N,), per value and up to a constant; the loss is its mean."""
        return 0.5 * self._energies(t, s).flatten(1).mean(1)

    def _energies(self, t: Tensor, s: Tensor) -> Tensor:
        """Twice that of every value."""
        if s.shape != t.shape or s.ndim < 4 or s.shape[-3] != len(self.alpha):
            raise ConfigError(
                f'VIDLoss: {tuple(s.shape)} and {tuple(t.shape)} are not both (N, C, H, W) of '
                f'{len(self.alpha)} channels; set `channels` of this entry of default_hooks.distill.objectives'
            )
        variance = self.variance.reshape(-1, 1, 1)
        return variance.log() + (t - s).square() / variance
