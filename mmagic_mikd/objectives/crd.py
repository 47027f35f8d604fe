"""The contrastive bound on mutual information, on whole images: which of the batch belongs to this one?"""

import torch.nn.functional as F
from torch import Tensor, nn

from ..utils.checks import require_number
from ..utils.errors import ConfigError
from .info_nce import info_nce


class CRDLoss(nn.Module):
    """InfoNCE of pooled and embedded features, whose negatives are the other samples of the batch.

    Tian et al., "Contrastive Representation Distillation", ICLR 2020, with the bound of van den Oord et al.,
    2018, in both directions, in place of the paper's NCE with a memory bank, which would have to grow with
    the data set and be resumed. Each side has a linear head of its own, as published.

    Args:
        loss_weight: its weight in the student's loss; 0.8 as published.
        channels: of the features; set by a `backbone`.
        dim: of the embedding; 128 as published.
        temperature: 0.07 as published.
    """

    least_batch = 2

    def __init__(
        self, loss_weight: float = 1.0, channels: int = 3, dim: int = 128, temperature: float = 0.07
    ) -> None:
        super().__init__()
        require_number('CRDLoss: loss_weight', loss_weight, least=0)
        require_number('CRDLoss: temperature', temperature, least=1e-4)
        for name, value in dict(channels=channels, dim=dim).items():
            require_number(f'CRDLoss: {name}', value, least=1, most=65536, whole=True)
        self.loss_weight, self.temperature, self.channels = loss_weight, temperature, channels
        self.of_student, self.of_teacher = nn.Linear(channels, dim), nn.Linear(channels, dim)

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Scalar from features (N, C, H, W) or (N, D), or clips, of ``channels``.

        Raises:
            ConfigError: another number of channels.
        """
        pooled = [x.flatten(0, -4).mean((2, 3)) if x.ndim > 2 else x for x in (student, teacher.detach())]
        if any(x.shape[1] != self.channels for x in pooled):
            raise ConfigError(
                f'CRDLoss: {tuple(student.shape)} and {tuple(teacher.shape)} are not both of {self.channels} '
                'channels; set `channels` of this entry of default_hooks.distill.objectives'
            )
        s, t = F.normalize(self.of_student(pooled[0])), F.normalize(self.of_teacher(pooled[1]))
        both = info_nce(s, t, self.temperature) + info_nce(t, s, self.temperature)
        return self.loss_weight * both / 2
