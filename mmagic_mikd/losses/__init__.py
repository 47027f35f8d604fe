"""Distillation objectives: tensors in, scalar out, one per file."""

from .mi import MIDistillLoss

__all__ = ['MIDistillLoss']
