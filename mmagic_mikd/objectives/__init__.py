"""Distillation objectives: tensors in, scalar out, one per file."""

from .adversarial import AdversarialLoss
from .attention_transfer import AttentionTransferLoss
from .channel_distillation import ChannelDistillationLoss
from .crd import CRDLoss
from .energy.bound import MIDistillLoss
from .focal_frequency import FocalFrequencyLoss
from .haar_laplace import HaarLaplaceLoss
from .info_nce import InfoNCELoss
from .kernel_alignment import KernelAlignmentLoss
from .laplace import LaplaceLoss
from .mmd import MMDLoss, MomentLoss
from .pkt import PKTLoss
from .pyramid_laplace import PyramidLaplaceLoss
from .relational import RelationalLoss
from .spatial_affinity import SpatialAffinityLoss
from .ssim import SSIMLoss
from .style import StyleLoss
from .style_relation import StyleRelationLoss
from .total_variation import TotalVariationLoss
from .vid import VIDLoss
from .wavelet import WaveletLoss

__all__ = [
    'AdversarialLoss',
    'AttentionTransferLoss',
    'CRDLoss',
    'ChannelDistillationLoss',
    'FocalFrequencyLoss',
    'HaarLaplaceLoss',
    'InfoNCELoss',
    'KernelAlignmentLoss',
    'LaplaceLoss',
    'MIDistillLoss',
    'MMDLoss',
    'MomentLoss',
    'PKTLoss',
    'PyramidLaplaceLoss',
    'RelationalLoss',
    'SSIMLoss',
    'SpatialAffinityLoss',
    'StyleLoss',
    'StyleRelationLoss',
    'TotalVariationLoss',
    'VIDLoss',
    'WaveletLoss',
]
