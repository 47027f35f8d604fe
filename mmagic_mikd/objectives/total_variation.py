"""How rough the student's image is, whatever the teacher makes."""

from torch import Tensor, nn

from ..utils.checks import require_number


class TotalVariationLoss(nn.Module):
    """Anisotropic total variation of the student's image: mean |difference| of neighbours, down and across.

    Rudin, Osher and Fatemi, 1992, with the norm of Ren et al., "Online Multi-Granularity Distillation", ICCV
    2021, whose code sums over pixels, channels and the batch, with weight 1e-5, where this is the sum of two
    means.

    Args:
        loss_weight: its weight in the student's loss.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        require_number('TotalVariationLoss: loss_weight', loss_weight, least=0)
        self.loss_weight = loss_weight

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Scalar from images (N, C, H, W) or clips; the teacher's is not looked at."""
        down, across = student.diff(dim=-2), student.diff(dim=-1)
        return self.loss_weight * (down.abs().mean() + across.abs().mean())
