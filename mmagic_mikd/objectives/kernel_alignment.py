"""Which samples are alike, as a matrix that needs no equal channels."""

import torch.nn.functional as F
from torch import Tensor, nn

from ..utils.checks import require_number
from .samples import IMAGES, as_samples, check_samples, least_of

GOOD_BATCH = 8  # a matrix of few samples is mostly its diagonal, which knows no relations


class KernelAlignmentLoss(nn.Module):
    """1 - the cosine of the matrices of inner products of samples in student and teacher.

    Jin et al., "Teachers Do More Than Teach: Compressing Image-to-Image Models" (CAT), CVPR 2021, equations 3
    and 4: uncentred, X X^T of the flattened maps; there its negative is added, which differs by a constant.

    Args:
        loss_weight: its weight in the student's loss; 0.1 to 1.3 in CAT, with batches of 80.
        samples: 'images' of the batch, of which it takes two, and says in the log that fewer than eight are
            few; or 'positions' within them.
    """

    def __init__(self, loss_weight: float = 1.0, samples: str = IMAGES) -> None:
        super().__init__()
        require_number('KernelAlignmentLoss: loss_weight', loss_weight, least=0)
        check_samples('KernelAlignmentLoss', samples)
        self.loss_weight, self.samples = loss_weight, samples
        self.least_batch, self.good_batch = least_of(samples, 2), least_of(samples, GOOD_BATCH)

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Scalar from features (N, C, H, W) or (N, D); channels, height and width may differ."""
        kernels = [
            (x @ x.t()).flatten() for x in (as_samples(y, self.samples) for y in (student, teacher.detach()))
        ]
        return self.loss_weight * (1 - F.cosine_similarity(*kernels, dim=0))
