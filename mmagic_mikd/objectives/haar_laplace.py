"""Mutual information under a Laplace q(t|s) on Haar coefficients: a density that can be drawn from."""

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from ..utils.checks import require_number
from ..utils.errors import ConfigError
from .laplace import hold

MOST_LEVELS = 16


def haar(image: Tensor, levels: int) -> list[Tensor]:
    """Orthonormal Haar transform of images (N, C, H, W), finest details first, the coarse image last.

    Details of one level are (N, 3 C, H / 2, W / 2). Sums of squares are kept, so a density of the coefficients
    is one of the images, without a determinant.
    """
    made = []
    for _ in range(levels):
        a, b, c, d = (image[..., i::2, j::2] for i in (0, 1) for j in (0, 1))
        made.append(torch.cat([a - b + c - d, a + b - c - d, a - b - c + d], 1) / 2)
        image = (a + b + c + d) / 2
    return [*made, image]


def inverse_haar(bands: list[Tensor]) -> Tensor:
    """The images of which :func:`haar` makes these."""
    image = bands[-1]
    for details in reversed(bands[:-1]):
        x, y, xy = details.chunk(3, 1)
        parts = (image + x + y + xy, image - x + y - xy, image + x - y - xy, image - x - y + xy)
        height, width = (2 * side for side in image.shape[-2:])
        whole = image.new_empty(*image.shape[:-2], height, width)
        for (i, j), part in zip(((0, 0), (0, 1), (1, 0), (1, 1)), parts, strict=True):
            whole[..., i::2, j::2] = part / 2
        image = whole
    return image


class HaarLaplaceLoss(nn.Module):
    """-log q(t|s) of a Laplace distribution with one learned scale per band of a Haar transform of t - s.

    The variational bound of Barber and Agakov (2003), as PyramidLaplaceLoss, for a transform that is
    orthonormal: q is normalised, log q is exact, and t can be drawn from it. Per value of an image it is the
    sum over the bands of n_l (log 2 b_l + mean |haar_l(t - s)| / b_l), over the sum of the n_l, so that bands
    count by their coefficients.

    Args:
        loss_weight: its weight in the student's loss.
        levels: of the transform; height and width are to be multiples of 2^levels.
        initial_scale: b of every band, in the units of the images.
    """

    learner: ClassVar[dict] = dict(optimizer=dict(type='Adam', lr=0.01))

    def __init__(self, loss_weight: float = 1.0, levels: int = 3, initial_scale: float = 0.1) -> None:
        super().__init__()
        require_number('HaarLaplaceLoss: loss_weight', loss_weight, least=0)
        require_number('HaarLaplaceLoss: levels', levels, least=0, most=MOST_LEVELS, whole=True)
        require_number('HaarLaplaceLoss: initial_scale', initial_scale, least=1e-12, most=1e12)
        self.loss_weight, self._initial_scale = loss_weight, initial_scale
        self.log_scale = nn.Parameter(torch.full((levels + 1,), float(initial_scale)).log())

    @property
    def scale(self) -> Tensor:
        """b of each band, finest first."""
        return self.log_scale.exp()

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Scalar from images (N, C, H, W) or clips (N, T, C, H, W); differentiable in ``student`` and b.

        Raises:
            ConfigError: they differ in shape, or their sides are no multiples of 2^levels.
        """
        hold(self.log_scale, self._initial_scale)
        return self.loss_weight * self.energy(teacher.detach(), student).mean()

    def energy(self, t: Tensor, s: Tensor) -> Tensor:
        """-log q(t|s) of each sample, (N,), over the number of its values: nats per value, and exact."""
        self._check(t, s)
        bands = haar((t - s).flatten(0, -4), len(self.log_scale) - 1)
        total = sum(
            band.shape[1:].numel() * (math.log(2) + log_scale)
            + band.abs().flatten(1).sum(1) / log_scale.exp()
            for band, log_scale in zip(bands, self.log_scale, strict=True)
        )
        return (total / s.shape[-3:].numel()).unflatten(0, (len(s), -1)).mean(1)

    def draw(self, s: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """t ~ q(.|s), of the shape of ``s`` (N, C, H, W)."""
        return s + self.colour(self.white(s, generator))

    def white(self, s: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """u of the shape of ``s``, whose Haar coefficients are standard Laplace noise."""
        shapes = [band.shape for band in haar(torch.zeros_like(s), len(self.log_scale) - 1)]
        uniform = [torch.rand(shape, device=s.device, generator=generator) - 0.5 for shape in shapes]
        # one draw of 2^24 is 0, whose noise would be infinite
        return inverse_haar([-u.sign() * torch.log1p(-2 * u.abs().clamp(max=0.5 - 2**-25)) for u in uniform])

    def colour(self, u: Tensor) -> Tensor:
        """The residual t - s of white u: its coefficients, times the scales of their bands."""
        bands = haar(u, len(self.log_scale) - 1)
        return inverse_haar([band * scale for band, scale in zip(bands, self.scale, strict=True)])

    def potential(self, u: Tensor) -> Tensor:
        """-log of the density of white u, (N,), up to a constant: the sum of its coefficients' magnitudes."""
        return sum(band.abs().flatten(1).sum(1) for band in haar(u, len(self.log_scale) - 1))

    def _check(self, t: Tensor, s: Tensor) -> None:
        multiple = 2 ** (len(self.log_scale) - 1)
        if s.shape != t.shape or s.ndim < 4 or any(side % multiple for side in s.shape[-2:]):
            raise ConfigError(
                f'HaarLaplaceLoss: {tuple(s.shape)} and {tuple(t.shape)} are not both (N, C, H, W) with sides '
                f'that are multiples of {multiple}; set `levels` of this entry of '
                'default_hooks.distill.objectives'
            )
