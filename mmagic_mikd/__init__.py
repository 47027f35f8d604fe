"""Mutual-information distillation of MMagic generators. `custom_imports=['mmagic_mikd']` is the whole setup."""

from .version import __version__

__all__ = ['__version__']
