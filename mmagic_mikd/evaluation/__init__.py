"""Metrics for MMagic's evaluator that work without downloads; registered when imported."""

from .backbone_frechet import BackboneFrechetDistance
from .cifar_resnet import CifarResNet
from .paired import PairedImageQuality
from .seeded import SeededEvaluation
from .sliced_wasserstein import SlicedWasserstein

__all__ = [
    'BackboneFrechetDistance',
    'CifarResNet',
    'PairedImageQuality',
    'SeededEvaluation',
    'SlicedWasserstein',
]
