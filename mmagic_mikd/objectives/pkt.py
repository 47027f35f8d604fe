"""Which samples are alike, as probabilities: probabilistic knowledge transfer."""

import torch.nn.functional as F
from torch import Tensor, nn

from ..utils.checks import require_number
from .samples import IMAGES, as_samples, check_samples, least_of

EPS = 1e-7


def affinities(rows: Tensor) -> Tensor:
    """Cosine similarities of the rows (n, d) on [0, 1], each row of them a distribution (n, n)."""
    unit = F.normalize(rows, dim=1, eps=EPS)
    similar = (unit @ unit.t() + 1) / 2
    return similar / similar.sum(1, keepdim=True)


class PKTLoss(nn.Module):
    """Kullback-Leibler divergence of the student's affinities of samples from the teacher's.

    Passalis and Tefas, "Learning Deep Representations with Probabilistic Knowledge Transfer", ECCV 2018,
    equations 5 to 7 with the cosine kernel; the mean over the entries of the matrix, as in the authors' code.

    Args:
        loss_weight: its weight in the student's loss; 30,000 is common for features, because of the mean.
        samples: 'images' of the batch, of which it takes two; or 'positions' within them.
    """

    def __init__(self, loss_weight: float = 1.0, samples: str = IMAGES) -> None:
        super().__init__()
        require_number('PKTLoss: loss_weight', loss_weight, least=0)
        check_samples('PKTLoss', samples)
        self.loss_weight, self.samples = loss_weight, samples
        self.least_batch = least_of(samples, 2)

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Scalar from features (N, C, H, W) or (N, D); the numbers of channels may differ."""
        s, t = (affinities(as_samples(x, self.samples)) for x in (student, teacher.detach()))
        return self.loss_weight * (t * ((t + EPS) / (s + EPS)).log()).mean()
