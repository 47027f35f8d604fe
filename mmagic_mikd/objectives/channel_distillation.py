"""How active each channel is, sample by sample."""

from torch import Tensor, nn

from ..utils.checks import require_number
from ..utils.errors import ConfigError


class ChannelDistillationLoss(nn.Module):
    """Mean squared difference of the channels' means over the positions.

    Zhou et al., "Channel Distillation: Channel-Wise Attention for Knowledge Distillation", 2020, equation 3; in
    OMGD (Ren et al., ICCV 2021) behind a connector, which is the objective's `adapter`.

    Args:
        loss_weight: its weight in the student's loss.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        require_number('ChannelDistillationLoss: loss_weight', loss_weight, least=0)
        self.loss_weight = loss_weight

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Scalar from features (N, C, H, W) of equal channels; height and width may differ.

        Raises:
            ConfigError: the numbers of channels differ.
        """
        if student.shape[:-2] != teacher.shape[:-2]:
            raise ConfigError(
                f'ChannelDistillationLoss: {tuple(student.shape)} and {tuple(teacher.shape)} differ in width; '
                "set `adapter`, such as dict(type='Conv2d', kernel_size=1)"
            )
        means = [x.flatten(-2).mean(-1) for x in (student, teacher.detach())]  # of clips, too
        return self.loss_weight * (means[0] - means[1]).square().mean()
