"""How alike images are to those of styles a little aside: relations of a StyleGAN's features."""

import torch.nn.functional as F
from torch import Tensor, nn

from ..utils.checks import require_number
from ..utils.errors import ConfigError


def similarities(features: Tensor) -> Tensor:
    """Cosines (N, N) of each of the first N samples with each of the last N, of features (2 N, ...)."""
    at_w, moved = F.normalize(features.flatten(1), dim=1, eps=1e-8).chunk(2)
    return at_w @ moved.t()


class StyleRelationLoss(nn.Module):
    """KL(softmax of the teacher's rows | softmax of the student's), the mean over the rows of similarities.

    The relation loss of Xu et al., "Mind the Gap in Distilling StyleGANs", ECCV 2022, as released: row i has
    the cosines of the features of w_i with those of w_j + offset_j, for all j of the batch. It asks for a
    `layer` of a StyleGAN2 generator; the features at w + offset come from a second call of both networks.

    Args:
        loss_weight: its weight in the student's loss; 30 as published, on each of four layers.
        offset: standard deviation of the lengths of the offsets, which go along principal directions of w; 5
            as published, beside a w whose entries are of the order of 1.

    Attributes:
        style_offset: tells whoever runs the networks that the batch is to hold both halves.
    """

    least_batch = 2  # of one sample the softmax is 1, whatever its features

    def __init__(self, loss_weight: float = 1.0, offset: float = 5.0) -> None:
        super().__init__()
        require_number('StyleRelationLoss: loss_weight', loss_weight, least=0)
        require_number('StyleRelationLoss: offset', offset, above=0)
        self.loss_weight, self.style_offset = loss_weight, offset

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Scalar from features (2 N, C, H, W), of N samples at w, then at w + offset; channels may differ.

        Raises:
            ConfigError: these are not two halves of equally many samples.
        """
        if len(student) % 2 or len(student) != len(teacher):
            raise ConfigError(
                f'StyleRelationLoss: {tuple(student.shape)} and {tuple(teacher.shape)} are not samples at w '
                'and as many at w + offset; use it on a `layer` of a StyleGAN2 generator'
            )
        s, t = similarities(student), similarities(teacher.detach())
        divergence = F.kl_div(s.log_softmax(1), t.log_softmax(1), reduction='batchmean', log_target=True)
        return self.loss_weight * divergence
