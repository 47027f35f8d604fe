"""Which places of an image are alike."""

import torch.nn.functional as F
from torch import Tensor, nn

from ..utils.checks import require_number


def affinity(features: Tensor, size: int) -> Tensor:
    """Cosines of all positions (N, P, P) of features (N, C, H, W), pooled to at most ``size`` a side."""
    features = features.flatten(0, -4)
    features = F.adaptive_avg_pool2d(features, [min(side, size) for side in features.shape[2:]])
    unit = F.normalize(features.flatten(2), dim=1)
    return unit.transpose(1, 2) @ unit


class SpatialAffinityLoss(nn.Module):
    """Mean absolute difference of the cosines of all pairs of positions.

    He et al., "FAKD: Feature-Affinity Based Knowledge Distillation for Efficient Image Super-Resolution",
    ICIP 2020, equations 2 and 3, its spatial kind.

    Args:
        loss_weight: its weight in the student's loss.
        size: larger maps are pooled to so many positions a side, because their number counts squared.
    """

    def __init__(self, loss_weight: float = 1.0, size: int = 32) -> None:
        super().__init__()
        require_number('SpatialAffinityLoss: loss_weight', loss_weight, least=0)
        require_number('SpatialAffinityLoss: size', size, least=2, most=128, whole=True)
        self.loss_weight, self.size = loss_weight, size

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Scalar from features (N, C, H, W) of equal height and width; the numbers of channels may differ."""
        maps = [affinity(x, self.size) for x in (student, teacher.detach())]
        return self.loss_weight * (maps[0] - maps[1]).abs().mean()
