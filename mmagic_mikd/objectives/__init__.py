"""Distillation objectives: tensors in, scalar out, one per file."""

from .attention_transfer import AttentionTransferLoss
from .energy.bound import MIDistillLoss
from .haar_laplace import HaarLaplaceLoss
from .info_nce import InfoNCELoss
from .laplace import LaplaceLoss
from .pyramid_laplace import PyramidLaplaceLoss
from .vid import VIDLoss

__all__ = [
    'AttentionTransferLoss',
    'HaarLaplaceLoss',
    'InfoNCELoss',
    'LaplaceLoss',
    'MIDistillLoss',
    'PyramidLaplaceLoss',
    'VIDLoss',
]
