"""Mutual information under a Laplace q(t|s) on the bands of a pyramid: coarse and fine detail count alike."""

from collections.abc import Callable
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..utils.checks import require_number
from ..utils.errors import ConfigError
from .laplace import hold

MOST_BANDS = 16  # the coarsest of images of 32,768 pixels a side would be one pixel


def pyramid(image: Tensor, bands: int) -> list[Tensor]:
    """Laplacian pyramid (Burt and Adelson, 1983) of images (N, C, H, W), finest band first.

    Means over 2 x 2 pixels take the place of the Gaussian; a band is what the mean of the next, enlarged
    bilinearly, leaves. The last one is the remaining small image. Linear in ``image``.
    """
    made = []
    for _ in range(bands - 1):
        coarse = F.avg_pool2d(image, 2, ceil_mode=True, count_include_pad=False)
        made.append(image - F.interpolate(coarse, image.shape[-2:], mode='bilinear', align_corners=False))
        image = coarse
    return [*made, image]


class PyramidLaplaceLoss(nn.Module):
    """-log q(t|s), up to a constant, of a Laplace distribution around s with one learned scale per band.

    The variational bound of Barber and Agakov (2003), as in VID (Ahn et al., CVPR 2019), for another q:
    mean over the bands l of log b_l + mean |pyramid_l(t - s)| / b_l. The best b_l is the mean absolute
    residual of its band, so that every band has the same weight in the gradient, however small its
    residuals are; a plain L1 distance, the case of one band, is ruled by the coarse ones. Bands count
    alike, not by their number of pixels: this is the bound of each band's mean, averaged.

    Args:
        loss_weight: its weight in the student's loss.
        bands: of the pyramid; the coarsest has 2^(bands - 1) times fewer pixels along each side.
        initial_scale: b of every band, in the units of the images.
    """

    # Adam moves log b by about its learning rate in an update, and scales are few and to be had soon.
    learner: ClassVar[dict] = dict(optimizer=dict(type='Adam', lr=0.01))

    def __init__(self, loss_weight: float = 1.0, bands: int = 4, initial_scale: float = 0.1) -> None:
        super().__init__()
        require_number('PyramidLaplaceLoss: loss_weight', loss_weight, least=0)
        require_number('PyramidLaplaceLoss: bands', bands, least=1, most=MOST_BANDS, whole=True)
        require_number('PyramidLaplaceLoss: initial_scale', initial_scale, least=1e-12, most=1e12)
        self.loss_weight, self._initial_scale = loss_weight, initial_scale
        self.log_scale = nn.Parameter(torch.full((bands,), float(initial_scale)).log())

    @property
    def scale(self) -> Tensor:
        """b of each band, finest first."""
        return self.log_scale.exp()

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Scalar from images (N, C, H, W) or clips (N, T, C, H, W); differentiable in ``student`` and b.

        Raises:
            ConfigError: they differ in shape, or are too small for the number of bands.
        """
        hold(self.log_scale, self._initial_scale)
        return self.loss_weight * self._energy(self._residual(teacher.detach(), student), lambda x: x.mean())

    def energy(self, t: Tensor, s: Tensor) -> Tensor:
        """-log q(t|s) of each sample, (N,), per value and up to a constant; the loss is its mean."""
        residual = self._residual(t, s)
        return self._energy(residual, lambda band: band.unflatten(0, (len(t), -1)).flatten(1).mean(1))

    def _energy(self, residual: Tensor, mean: Callable[[Tensor], Tensor]) -> Tensor:
        bands = pyramid(residual, len(self.log_scale))
        absolute = torch.stack([mean(band.abs()) for band in bands], dim=-1)
        return (self.log_scale + absolute / self.scale).mean(-1)

    def _residual(self, t: Tensor, s: Tensor) -> Tensor:
        least = 2 ** (len(self.log_scale) - 1)
        if s.shape != t.shape or s.ndim < 4 or min(s.shape[-2:]) < least:
            raise ConfigError(
                f'PyramidLaplaceLoss: {tuple(s.shape)} and {tuple(t.shape)} are not both (N, C, H, W) of at '
                f'least {least} pixels a side; set `bands` of this entry of default_hooks.distill.objectives'
            )
        return (t - s).flatten(0, -4)
