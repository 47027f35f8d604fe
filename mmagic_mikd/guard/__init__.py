"""Watches a run for divergence: what it shows, what is done about it, the way back, the orderly end."""

from .divergence import DEFAULTS, DivergenceGuard
from .stop import end_training

__all__ = ['DEFAULTS', 'DivergenceGuard', 'end_training']
