"""Where the content of images is: what a loss looks at, and what a pruned start is to keep."""

from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..utils.errors import ConfigError


class ContentMask:
    """The white of a picture, which is the content of all images.

    Liu et al., "Content-Aware GAN Compression", CVPR 2021, find the content of each of the teacher's images
    by a network that parses faces. This one is in the same place in all, as where pictures are aligned.

    Args:
        path: of a picture with the proportions of the images.
        key: where it stands in the config, for messages.

    Raises:
        ConfigError: it cannot be read.
    """

    def __init__(self, path: str, key: str = 'mask') -> None:
        self._name = f'{key}={path}'
        found = np.fromfile(path, np.uint8) if Path(path).is_file() else np.empty(0)
        picture = cv2.imdecode(found, cv2.IMREAD_GRAYSCALE) if found.size else None
        if picture is None:
            raise ConfigError(
                f'{self._name} is no picture that can be read: give one in which the content is white'
            )
        self._picture = torch.from_numpy(picture)[None, None].float() / 255
        self._sized: dict[tuple, Tensor] = {}  # for each size and device

    def inside(self, images: Tensor) -> Tensor:
        """Truth values (H, W) of images (..., H, W): more than half of a pixel is white.

        Raises:
            ConfigError: the images have other proportions, or nothing is white.
        """
        place = (*images.shape[-2:], images.device)
        if place not in self._sized:
            self._sized[place] = self._at(*images.shape[-2:]).to(images.device)
        return self._sized[place]

    def of(self, images: Tensor) -> Tensor:
        """The images with zeros around their content."""
        return images * self.inside(images)

    def _at(self, height: int, width: int) -> Tensor:
        own = self._picture.shape[-2:]
        if own[0] * width != own[1] * height:
            raise ConfigError(
                f'{self._name} is of {own[0]} x {own[1]} pixels and the images of {height} x {width}: give a '
                'picture of the same proportions'
            )
        size = (height, width)
        inside = F.interpolate(self._picture, size, mode='bilinear', antialias=True)[0, 0] > 0.5
        if not inside.any():
            raise ConfigError(
                f'{self._name} is black everywhere at {height} x {width} pixels: make the content white'
            )
        return inside
