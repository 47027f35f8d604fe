"""How channels go together, wherever in the image: the style of a picture."""

from torch import Tensor, nn

from ..utils.checks import require_number


def gram(features: Tensor) -> Tensor:
    """Inner products of the channels (N, C, C) of features (N, C, H, W), over C H W."""
    rows = features.flatten(0, -4).flatten(2)
    return rows @ rows.transpose(1, 2) / rows[0].numel()


class StyleLoss(nn.Module):
    """Mean absolute difference of Gram matrices.

    Gatys et al., CVPR 2016, equation 4, with the norm of Ren et al., "Online Multi-Granularity Distillation",
    ICCV 2021: L1 in place of squares, matrices over C H W, weight 1e4. It is meant for features: set
    `backbone`.

    Args:
        loss_weight: its weight in the student's loss.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        require_number('StyleLoss: loss_weight', loss_weight, least=0)
        self.loss_weight = loss_weight

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Scalar from features (N, C, H, W) of equal channels."""
        return self.loss_weight * (gram(student) - gram(teacher.detach())).abs().mean()
