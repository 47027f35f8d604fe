"""Mutual information under a Laplace q(t|s): an absolute distance that learns how much it counts."""

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from ..utils.checks import require_number, require_switch
from ..utils.errors import ConfigError

LEAST = 1e-6  # of a scale, in that which it starts with


def hold(log_scale: nn.Parameter, initial_scale: float) -> None:
    """Keep learned scales from falling for ever; in place, and nothing happens to those above the least.

    Of a residual that is exactly zero, as that of a channel which no image activates, the best scale is zero:
    after some 9,000 updates its inverse would be infinite, and the loss no number. The parameter is held, not
    its value, so that it rises at once when a residual comes.
    """
    log_scale.data.clamp_(min=math.log(initial_scale * LEAST))


class LaplaceLoss(nn.Module):
    """-log q(t|s), up to a constant, of a Laplace distribution around s with one learned scale.

    The variational bound of Barber and Agakov (2003), as in VID (Ahn et al., CVPR 2019), for another q: mean
    of log b + |t - s| / b. The best b is the mean absolute residual, so that every layer of a `backbone` has
    the same weight in the gradient, however small its residuals are.

    Args:
        loss_weight: its weight in the student's loss.
        per_channel: whether every channel has a scale of its own.
        channels: of the images or features; needed for a scale per channel, and set by a `backbone`.
        initial_scale: b, in the units of what it is given.
    """

    # Adam moves log b by about its learning rate in an update, and scales are few and to be had soon.
    learner: ClassVar[dict] = dict(optimizer=dict(type='Adam', lr=0.01))

    def __init__(
        self,
        loss_weight: float = 1.0,
        per_channel: bool = False,
        channels: int = 3,
        initial_scale: float = 0.1,
    ) -> None:
        super().__init__()
        require_number('LaplaceLoss: loss_weight', loss_weight, least=0)
        require_switch('LaplaceLoss: per_channel', per_channel)
        require_number('LaplaceLoss: channels', channels, least=1, most=65536, whole=True)
        require_number('LaplaceLoss: initial_scale', initial_scale, least=1e-12, most=1e12)
        self.loss_weight, self._initial_scale = loss_weight, initial_scale
        scales = channels if per_channel else 1
        self.log_scale = nn.Parameter(torch.full((scales,), float(initial_scale)).log())

    @property
    def scale(self) -> Tensor:
        """b, of each channel or of all."""
        return self.log_scale.exp()

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Scalar from images or features (N, C, ...), or clips (N, T, C, H, W); differentiable in s and b.

        Raises:
            ConfigError: they differ in shape, or have another number of channels than there are scales.
        """
        hold(self.log_scale, self._initial_scale)
        return self.loss_weight * self._energies(teacher.detach(), student).mean()

    def energy(self, t: Tensor, s: Tensor) -> Tensor:
        """-log q(t|s) of each sample, (N,), per value and up to a constant; the loss is its mean."""
        return self._energies(t, s).flatten(1).mean(1)

    def _energies(self, t: Tensor, s: Tensor) -> Tensor:
        scales, channels = len(self.log_scale), s.shape[1] if s.ndim < 5 else s.shape[-3]
        if s.shape != t.shape or s.ndim < 2 or scales not in (1, channels):
            raise ConfigError(
                f'LaplaceLoss: {tuple(s.shape)} and {tuple(t.shape)} are not both (N, C, ...) of {scales} '
                'channels; set `channels` of this entry of default_hooks.distill.objectives'
            )
        log_scale = self.log_scale.reshape(-1, *(1 for _ in s.shape[2:4] if s.ndim > 2))
        return log_scale + (t - s).abs() / log_scale.exp()
