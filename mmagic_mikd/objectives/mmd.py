"""Whether student and teacher make samples of one distribution: maximum mean discrepancy, and moments."""

import torch
from torch import Tensor, nn

from ..utils.checks import require_number
from .samples import POSITIONS, as_samples, check_samples, least_of


class MMDLoss(nn.Module):
    """Squared maximum mean discrepancy with the Gaussian kernel exp(-d^2 / median(d^2)).

    Gretton et al., "A Kernel Two-Sample Test", JMLR 2012, equation 5: the biased estimate, never negative. It
    needs no pairs. The median is that of the squared distances of all samples, of student and teacher
    together, and a constant; written as exp(-d^2 / (2 sigma^2)) the kernel has sigma^2 = median(d^2) / 2.

    Args:
        loss_weight: its weight in the student's loss.
        samples: 'positions' within the images; or the 'images' of the batch, of which it takes two.
    """

    def __init__(self, loss_weight: float = 1.0, samples: str = POSITIONS) -> None:
        super().__init__()
        require_number('MMDLoss: loss_weight', loss_weight, least=0)
        check_samples('MMDLoss', samples)
        self.loss_weight, self.samples = loss_weight, samples
        self.least_batch = least_of(samples, 2)

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Scalar from features (N, C, H, W) or (N, D) of equal channels."""
        s, t = (as_samples(x, self.samples) for x in (student, teacher.detach()))
        both = torch.cat([s, t])
        # squares by themselves: the root of a distance has no gradient at zero
        norms = both.square().sum(1)
        squares = (norms[:, None] + norms - 2 * both @ both.t()).clamp(min=0)
        width = squares.detach()[~torch.eye(len(both), dtype=torch.bool, device=both.device)].median()
        kernel = torch.exp(-squares / width.clamp(min=torch.finfo(squares.dtype).tiny))
        n = len(s)
        return self.loss_weight * (kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean())


class MomentLoss(nn.Module):
    """Absolute differences of the means, and of the mean squares, of each feature over the samples.

    What the released code of DiME runs ("Distribution Matching for Efficient compression", in Yeo, Jang and
    Yoo, "Nickel and Diming Your GAN: A Dual-Method Approach to Enhancing GAN Efficiency via Knowledge
    Distillation", ECCV 2024, arXiv 2405.11614), whose paper has an MMD: L1 between the batch's first and
    second moments and the teacher's. There the teacher's are of many samples, counted beforehand; here they
    are of the same batch.

    Args:
        loss_weight: its weight in the student's loss.
        samples: 'positions' within the images; or the 'images' of the batch, of which it takes two.
    """

    def __init__(self, loss_weight: float = 1.0, samples: str = POSITIONS) -> None:
        super().__init__()
        require_number('MomentLoss: loss_weight', loss_weight, least=0)
        check_samples('MomentLoss', samples)
        self.loss_weight, self.samples = loss_weight, samples
        self.least_batch = least_of(samples, 2)

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Scalar from features (N, C, H, W) or (N, D) of equal channels."""
        s, t = (as_samples(x, self.samples) for x in (student, teacher.detach()))
        first, second = s.mean(0) - t.mean(0), s.square().mean(0) - t.square().mean(0)
        return self.loss_weight * (first.abs().mean() + second.abs().mean())
