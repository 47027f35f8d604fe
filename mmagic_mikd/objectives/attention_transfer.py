"""Where a layer is active: distillation of feature maps with different numbers of channels."""

import torch.nn.functional as F
from torch import Tensor, nn

from ..utils.checks import require_number


class AttentionTransferLoss(nn.Module):
    """Squared distance of the normalised maps of mean squared activation, averaged over the batch.

    Zagoruyko and Komodakis, "Paying More Attention to Attention", ICLR 2017, with maps of squares. It is
    neither of the two forms there: equation 2 with p = 2 has the distance itself, unsquared, and the released
    code the mean over the H W positions of the squared difference, where this has its sum. So a weight of
    1000 of that code is 1000 / (H W) here.

    Args:
        loss_weight: its weight in the student's loss.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        require_number('AttentionTransferLoss: loss_weight', loss_weight, least=0)
        self.loss_weight = loss_weight

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Scalar from features (N, C, H, W) of equal N, H and W; the numbers of channels may differ.

        Raises:
            ValueError: the maps differ in size.
        """
        if student.shape[::2] != teacher.shape[::2] or student.shape[3:] != teacher.shape[3:]:
            raise ValueError(
                f'AttentionTransferLoss: {tuple(student.shape)} and {tuple(teacher.shape)} differ in size; '
                'name a layer whose height and width are the same in student and teacher'
            )
        maps = [F.normalize(x.square().mean(1).flatten(1)) for x in (student, teacher.detach())]
        return self.loss_weight * (maps[0] - maps[1]).square().sum(1).mean()
