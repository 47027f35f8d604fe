"""`teacher.resize`: images of a teacher at the size of the student's."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def resized(images: Tensor, size: Sequence[int]) -> Tensor:
    """Images (N, C, H, W), or clips (N, T, C, H, W), at (height, width), antialiased; others as they are."""
    if images.ndim not in (4, 5) or images.shape[-2:] == torch.Size(size):
        return images
    frames = F.interpolate(images.flatten(0, -4).float(), size, mode='bilinear', antialias=True)
    return frames.unflatten(0, images.shape[:-3]).to(images.dtype)
