"""An energy of features: how much each channel of a backbone counts, learned from what is to be told apart."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...utils.checks import require_number

MOST_CELLS = 1024


class FeatureCritic(nn.Module):
    """E(t, s) = mean over layers of sum over channels of w_c |phi(t) - phi(s)|, minus an offset; w_c >= 0.

    Its gradient leads s to t in every channel that tells pairs apart, whatever it has learned: the energy can
    weigh directions, not invent one.

    Args:
        channels: of each layer of the `backbone`; in a training those of the first batch.
        cells: side of the grid to which every layer is pooled, for the energies of :meth:`local`.
    """

    def __init__(self, channels: Sequence[int] = (64,), cells: int = 8) -> None:
        super().__init__()
        for width in channels:
            require_number('FeatureCritic: channels', width, least=1, whole=True)
        require_number('FeatureCritic: cells', cells, least=1, most=MOST_CELLS, whole=True)
        self.cells = cells
        # softplus of them: at first the mean over channels
        self.alpha = nn.ParameterList(torch.full((c,), 1 / c).expm1().log() for c in channels)
        self.offset = nn.Parameter(torch.zeros(()))

    def forward(self, t: Sequence[Tensor], s: Sequence[Tensor]) -> Tensor:
        """Energies (N,) of features of t and s, one tensor (N, C, H, W) for each layer."""
        return self.local(t, s).flatten(1).mean(1)

    def local(self, t: Sequence[Tensor], s: Sequence[Tensor]) -> Tensor:
        """Energies (N, cells, cells) of the places of an image."""
        total = 0.0
        for alpha, a, b in zip(self.alpha, t, s, strict=True):
            distance = F.adaptive_avg_pool2d((a - b).abs(), self.cells)
            total = total + torch.einsum('c,nchw->nhw', F.softplus(alpha), distance)
        return total / len(self.alpha) - self.offset
