"""Generators to compress into, and what they start from: a teacher's weights, cut, pruned and fitted."""

from mmengine.registry import MODELS

from ..compat import on_import
from .compact_net import CompactNet
from .frozen_statistics import FrozenStatistics
from .mobile_resnet import MobileResnetGenerator

MODELS.register_module(module=CompactNet)
MODELS.register_module(module=MobileResnetGenerator)


def _register_narrow_stylegan2(stylegan2: object) -> None:
    from .narrow_stylegan2 import NarrowStyleGAN2Generator

    MODELS.register_module(module=NarrowStyleGAN2Generator)


# It derives from MMagic's own generator, and importing us must not import the whole of MMagic.
on_import.after('mmagic.models.editors.stylegan2.stylegan2_generator', _register_narrow_stylegan2)

__all__ = ['CompactNet', 'FrozenStatistics', 'MobileResnetGenerator']
