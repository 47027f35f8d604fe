"""What is fine in an image: distillation of high frequencies alone."""

from torch import Tensor, nn

from ..utils.checks import require_number
from ..utils.errors import ConfigError
from .haar_laplace import MOST_LEVELS, haar


class WaveletLoss(nn.Module):
    """Mean absolute difference of the details of a Haar transform, summed over its levels.

    Zhang et al., "Wavelet Knowledge Distillation: Towards Efficient Image-to-Image Translation", CVPR 2022,
    equation 4: L1, as the paper has it; the authors' code takes squares. The coarse image is left to the
    model's own losses.

    Args:
        loss_weight: its weight in the student's loss.
        levels: of the transform; 4 as published. Height and width are to be multiples of 2^levels.
    """

    def __init__(self, loss_weight: float = 1.0, levels: int = 4) -> None:
        super().__init__()
        require_number('WaveletLoss: loss_weight', loss_weight, least=0)
        require_number('WaveletLoss: levels', levels, least=1, most=MOST_LEVELS, whole=True)
        self.loss_weight, self.levels = loss_weight, levels

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Scalar from images (N, C, H, W) or clips (N, T, C, H, W).

        Raises:
            ConfigError: they differ in shape, or cannot be halved so often.
        """
        if student.shape != teacher.shape or any(side % 2**self.levels for side in student.shape[-2:]):
            raise ConfigError(
                f'WaveletLoss: {tuple(student.shape)} and {tuple(teacher.shape)} are not both (N, C, H, W) '
                f'with sides that are multiples of {2**self.levels}; set `levels` of this entry of '
                'default_hooks.distill.objectives'
            )
        *details, _ = haar((student - teacher.detach()).flatten(0, -4), self.levels)
        return self.loss_weight * sum(band.abs().mean() for band in details)
