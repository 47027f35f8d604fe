"""Distances and angles among samples: relational knowledge distillation."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..utils.checks import require_number
from .samples import IMAGES, as_samples, check_samples, least_of


def distances(rows: Tensor) -> Tensor:
    """Of all pairs of rows (n, d), over their mean without the diagonal (n, n)."""
    squares = (rows[:, None] - rows).square().sum(2)
    apart = ~torch.eye(len(rows), dtype=torch.bool, device=rows.device)
    # the root has no gradient at zero, and the diagonal none to give
    each = torch.where(apart, squares.clamp(min=1e-12), 1.0).sqrt() * apart
    return each / each[apart].mean()


def angles(rows: Tensor) -> Tensor:
    """Cosines of the angles at j of all triples i, j, k (n, n, n)."""
    ways = F.normalize(rows[None] - rows[:, None], dim=2)
    return ways @ ways.transpose(1, 2)


class RelationalLoss(nn.Module):
    """Huber distance of the samples' distances, and of their angles, in student and teacher.

    Park et al., "Relational Knowledge Distillation", CVPR 2019, equations 5 to 9.

    Args:
        loss_weight: its weight in the student's loss.
        distance_weight, angle_weight: 1 and 2 as published.
        samples: 'images' of the batch, of which it takes three; or 'positions' within them, on a grid of 4 x 4,
            because the angles are those of all triples.
    """

    def __init__(
        self,
        loss_weight: float = 1.0,
        distance_weight: float = 1.0,
        angle_weight: float = 2.0,
        samples: str = IMAGES,
    ) -> None:
        super().__init__()
        weights = dict(loss_weight=loss_weight, distance_weight=distance_weight, angle_weight=angle_weight)
        for name, value in weights.items():
            require_number(f'RelationalLoss: {name}', value, least=0)
        check_samples('RelationalLoss', samples)
        self.loss_weight, self.samples = loss_weight, samples
        self._weights = distance_weight, angle_weight
        self.least_batch = least_of(samples, 3)

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Scalar from features (N, C, H, W) or (N, D); the numbers of channels may differ."""
        s, t = (as_samples(x, self.samples, finest=4) for x in (student, teacher.detach()))
        parts = [F.smooth_l1_loss(relation(s), relation(t)) for relation in (distances, angles)]
        return self.loss_weight * sum(w * part for w, part in zip(self._weights, parts, strict=True))
