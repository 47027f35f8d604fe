"""Mutual information under a Laplace q(t|s) on the bands of a pyramid: coarse and fine detail count alike."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..utils.checks import require_number
from ..utils.errors import ConfigError


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
        initial_scale: b of every band, in the units of the images. Adam moves log b by about its learning
            rate in an update, so give this term an ``optim_wrapper`` of about 0.01.
    """

    def __init__(self, loss_weight: float = 1.0, bands: int = 4, initial_scale: float = 0.1) -> None:
        super().__init__()
        require_number('PyramidLaplaceLoss: loss_weight', loss_weight, least=0)
        require_number('PyramidLaplaceLoss: bands', bands, least=1, whole=True)
        require_number('PyramidLaplaceLoss: initial_scale', initial_scale, above=0)
        self.loss_weight = loss_weight
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
        least = 2 ** (len(self.log_scale) - 1)
        if student.shape != teacher.shape or student.ndim < 4 or min(student.shape[-2:]) < least:
            raise ConfigError(
                f'PyramidLaplaceLoss: {tuple(student.shape)} and {tuple(teacher.shape)} are not both '
                f'(N, C, H, W) of at least {least} pixels a side; set `bands` of this entry of '
                'default_hooks.distill.terms'
            )
        residual = (teacher.detach() - student).flatten(0, -4)
        absolute = torch.stack([band.abs().mean() for band in pyramid(residual, len(self.log_scale))])
        return self.loss_weight * (self.log_scale + absolute / self.scale).mean()
