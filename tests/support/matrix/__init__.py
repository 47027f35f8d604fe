"""MMagic's own configs, one per family, distilled with the same few lines; see `run`."""

from . import filling, gans, restoration, video
from .case import Case
from .run import Row, distil
from .table import table

CASES = [*gans.CASES, *restoration.CASES, *video.CASES, *filling.CASES]

__all__ = ['CASES', 'Case', 'Row', 'distil', 'table']
