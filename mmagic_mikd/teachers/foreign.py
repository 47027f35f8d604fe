"""A teacher from outside of MMagic, on the toolbox's images."""

from typing import Any

import torch
from torch import Tensor, nn

from ..host.locate import image_of
from ..utils.white import white_of


class ForeignTeacher(nn.Module):
    """Runs a network that has its own range and channel order on images of the student's.

    Args:
        network: maps images to images, and whatever else the student's generator is given.
        preprocessor: of the student's model; its images are (x - mean) / std of x in [0, 255], or what
            else it takes for white, see :func:`white_of`.
        value_range: what black and white are in the network's images; None is as in the student's.
        bgr2rgb: whether the channels are to be swapped on the way in and on the way out.
        students_range: what black and white are in the student's images, in place of what the preprocessor
            says.
    """

    def __init__(
        self,
        network: nn.Module,
        preprocessor: nn.Module,
        value_range: tuple[float, float] | None = None,
        bgr2rgb: bool = False,
        students_range: tuple[float, float] | None = None,
    ) -> None:
        super().__init__()
        self.network, self.bgr2rgb = network, bgr2rgb
        scale, shift = torch.ones(()), torch.zeros(())
        if value_range is not None:  # network's image = scale * student's image + shift
            low, high = value_range
            mean, std = getattr(preprocessor, 'mean', 0.0), getattr(preprocessor, 'std', 1.0)
            white = white_of(preprocessor)
            if students_range is not None:  # pixels of black and white at 0 and 1, the range as std and mean
                mean, std, white = -students_range[0], 1.0, students_range[1] - students_range[0]
            scale, shift = (high - low) / white * std * scale, low + (high - low) / white * (mean + shift)
        self.register_buffer('scale', scale)
        self.register_buffer('shift', shift)

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        image = image_of(self.network(self._flip(x * self.scale + self.shift), *args, **kwargs))
        return (self._flip(image) - self.shift) / self.scale

    def _flip(self, image: Tensor) -> Tensor:
        return image.flip(-3) if self.bgr2rgb else image
