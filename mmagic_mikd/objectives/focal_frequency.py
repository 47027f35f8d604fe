"""Differences in the spectrum, the larger the more they count."""

import torch
from torch import Tensor, nn

from ..utils.checks import require_number


class FocalFrequencyLoss(nn.Module):
    """Mean squared difference of the spectra, each frequency weighted by its own distance.

    Jiang et al., "Focal Frequency Loss for Image Reconstruction and Synthesis", ICCV 2021, equations 8 and 9:
    weights |F_s - F_t|^alpha over their largest in an image and channel, constants.

    Args:
        loss_weight: its weight in the student's loss.
        alpha: 0 weighs all frequencies alike, which is the mean squared error; 1 as published.
    """

    def __init__(self, loss_weight: float = 1.0, alpha: float = 1.0) -> None:
        super().__init__()
        require_number('FocalFrequencyLoss: loss_weight', loss_weight, least=0)
        require_number('FocalFrequencyLoss: alpha', alpha, least=0, most=16)
        self.loss_weight, self.alpha = loss_weight, alpha

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Scalar from images or features (N, C, H, W), or clips, of equal shape."""
        difference = torch.view_as_real(torch.fft.fft2(student - teacher.detach(), norm='ortho'))
        squares = difference.square().sum(-1)
        weights = squares.detach().sqrt() ** self.alpha
        weights = weights / weights.amax((-2, -1), keepdim=True).clamp(min=torch.finfo(weights.dtype).tiny)
        return self.loss_weight * (weights * squares).mean()
