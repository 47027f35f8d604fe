"""Which part of a larger network's weights a smaller one of its kind has: the first channels and blocks."""

import torch
from torch import Tensor, nn

from .channel_groups import features


class Slices:
    """The slices of a teacher that make its student.

    What holds several features, as the input of a U-Net's decoder does, gets the first channels of each.

    Args:
        student, teacher: networks of one kind.
    """

    def __init__(self, student: nn.Module, teacher: nn.Module) -> None:
        self._mine, self._whole = features(student), features(teacher)

    def of(self, path: str, source: Tensor, shape: torch.Size) -> Tensor:
        """The part, of this shape, of the teacher's weight at ``path``, or of anything laid out like it."""
        if path in self._mine and path in self._whole:
            (dimension, kept), (_, sizes) = self._mine[path], self._whole[path]
            # an index beyond the end, of a wider student, is no error here: its sizes are found not to fit
            parts = zip(source.movedim(dimension, 0).split(sizes), kept, strict=False)
            source = torch.cat([part[:count] for part, count in parts]).movedim(0, dimension)
        return source[tuple(map(slice, shape))]

    def channels(self, path: str, wide: Tensor, weight: Tensor, dimension: int) -> Tensor:
        """Of a weight's dimension, which of the teacher's entries the student has."""
        shape = [1] * wide.dim()
        shape[dimension] = -1
        numbers = torch.arange(wide.shape[dimension]).reshape(shape).expand(wide.shape)
        kept = self.of(path, numbers, weight.shape)
        return kept.movedim(dimension, 0).reshape(kept.shape[dimension], -1)[:, 0]
