"""Features of images from a pretrained backbone."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import Tensor, nn

from ..utils.rng import seeded


class BackboneFeatures(nn.Module):
    """One feature vector per image: resize, normalise, backbone, mean over the last stage's positions.

    Args:
        backbone: config of a registered backbone, or one ready to use, whose last output is a feature
            map (N, D, H, W) or vectors (N, D). It is used in evaluation mode.
        input_size: side, or (height, width), of the images that the backbone sees; bilinear
            interpolation with anti-aliasing, without regard to the aspect ratio.
        mean, std: RGB normalisation in [0, 255].
    """

    def __init__(
        self,
        backbone: dict | nn.Module,
        input_size: int | tuple[int, int],
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        super().__init__()
        if isinstance(backbone, dict):
            with seeded(0):  # initial weights, soon replaced, must not move the run's random stream
                backbone = MODELS.build(backbone)
        self.backbone = backbone.requires_grad_(False)
        self.eval()
        self.size = (input_size, input_size) if isinstance(input_size, int) else tuple(input_size)
        self.register_buffer('mean', torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer('std', torch.tensor(std).view(1, 3, 1, 1))

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Features (N, D) of images (N, C, H, W) in [0, 255], grey or BGR as MMagic evaluates them.

        Images are rounded to 8 bits first, as if they had been written to files.
        """
        images = images.to(self.mean.device).float().round().clamp(0, 255)
        images = images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images.flip(1)
        images = F.interpolate(images, self.size, mode='bilinear', antialias=True)
        features = self.backbone((images - self.mean) / self.std)
        features = features[-1] if isinstance(features, (tuple, list)) else features
        return features.flatten(2).mean(2) if features.ndim > 2 else features
