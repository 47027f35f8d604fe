"""Mutual information under a Gaussian q(t|s): a squared distance that learns how much each channel counts."""

import math
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..utils.checks import require_number, require_switch
from ..utils.errors import ConfigError

MOST_CHANNELS = 65536


def _softplus_inverse(value: float) -> float:
    """Which is the value itself where the exponential would overflow: they differ by exp(-value)."""
    return math.log(math.expm1(value)) if value < 100 else float(value)


class VIDRegressor(nn.Sequential):
    """mu(s): three convolutions of 1 x 1 with ReLU between them, all as wide as the teacher's layer.

    The `adapter` of a `VIDLoss` on a `layer`, as in the released code of Tian et al., "Contrastive
    Representation Distillation", ICLR 2020.

    Args:
        in_channels: of the student's features; found out with the first batch.
        out_channels: of the teacher's; the same.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
            nn.ReLU(),
            nn.Conv2d(out_channels, out_channels, 1, bias=False),
            nn.ReLU(),
            nn.Conv2d(out_channels, out_channels, 1, bias=False),
        )


class VIDLoss(nn.Module):
    """-log q(t|s), up to a constant, of the Gaussian with mean mu(s) and one learned variance per channel.

    Ahn et al., "Variational Information Distillation for Knowledge Transfer", CVPR 2019, equation 5:
    sum over channels and pixels of log sigma_c + (t - s)^2 / (2 sigma_c^2), here their mean, and
    sigma_c^2 = softplus(alpha_c) + eps. At variance 1 it is half the squared distance.

    Of images, and of what a `backbone` sees in them, s itself is the mean: student and teacher make the same
    kind. Features of a `layer` are of another width in the student, and have no order in common with the
    teacher's. There the mean is a regressor of s, which is the objective's `adapter`: the published one is
    ``adapter=dict(type='VIDRegressor')``, or one convolution ``dict(type='Conv2d', kernel_size=1)``.

    The best variance is the mean squared residual of its channel. Adam moves alpha by about its learning
    rate in an update: from the published start to a variance of 0.05 these are 8 units, 80,000 updates at
    1e-4 and 8,000 at the 1e-3 of ``learner``, so a shorter run needs a start that is closer.

    Args:
        loss_weight: its weight in the student's loss.
        channels: of the images; of features of a `layer` or a `backbone` they are found out.
        per_channel: whether every channel has a variance of its own, as published, or all have one.
        initial_variance: of every channel; 5.0 as published. In the squared units of the images, which are
            mostly in [-1, 1] or [0, 1].
        eps: least variance; 1e-5 as published.
    """

    learner: ClassVar[dict] = dict(optimizer=dict(type='Adam', lr=1e-3))

    def __init__(
        self,
        loss_weight: float = 1.0,
        channels: int = 3,
        initial_variance: float = 5.0,
        eps: float = 1e-5,
        per_channel: bool = True,
    ) -> None:
        super().__init__()
        require_number('VIDLoss: loss_weight', loss_weight, least=0)
        require_number('VIDLoss: channels', channels, least=1, most=MOST_CHANNELS, whole=True)
        require_number('VIDLoss: eps', eps, least=1e-12)
        require_number('VIDLoss: initial_variance', initial_variance, above=eps, most=1e12)
        require_switch('VIDLoss: per_channel', per_channel)
        self.loss_weight, self.eps = loss_weight, eps
        variances = channels if per_channel else 1
        self.alpha = nn.Parameter(torch.full((variances,), _softplus_inverse(initial_variance - eps)))

    @property
    def variance(self) -> Tensor:
        """sigma_c^2, of each channel or of all."""
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
        if s.shape != t.shape or s.ndim < 4 or len(self.alpha) not in (1, s.shape[-3]):
            raise ConfigError(
                f'VIDLoss: {tuple(s.shape)} and {tuple(t.shape)} are not both (N, C, H, W) of '
                f'{len(self.alpha)} channels; set `channels` of this entry of default_hooks.distill.objectives,'
                " or adapter=dict(type='VIDRegressor') for a layer of another width in the student"
            )
        variance = self.variance.reshape(-1, 1, 1)
        return variance.log() + (t - s).square() / variance
