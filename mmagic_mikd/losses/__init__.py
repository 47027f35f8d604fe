"""Distillation objectives: tensors in, scalar out, one per file."""

from .attention_transfer import AttentionTransferLoss
from .mi import MIDistillLoss

__all__ = ['AttentionTransferLoss', 'MIDistillLoss']
