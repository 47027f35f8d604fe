"""What the losses that compare samples with each other take for a sample.

Such a loss is that of the batch of one process: with several, each compares its own samples, and the gradients
are averaged as those of every other loss are. Statistics are not gathered, so a batch is as good as it is on
one process.
"""

import torch.nn.functional as F
from torch import Tensor

from ..utils.schema import one_of

IMAGES, POSITIONS = 'images', 'positions'
FINEST = 8


def check_samples(name: str, samples: str) -> None:
    """Whether a setting names what a sample is."""
    one_of(IMAGES, POSITIONS)(f'{name}: samples', samples)


def least_of(samples: str, images: int) -> int:
    """How many images a batch has to hold at least, where so many samples are compared."""
    return images if samples == IMAGES else 1


def as_samples(features: Tensor, samples: str, finest: int = FINEST) -> Tensor:
    """The rows (n, d) of images or features (N, C, H, W), or of clips (N, T, C, H, W), whose frames are images.

    Args:
        samples: 'images', of C H W values each; or 'positions', of C values each, on a grid of at most
            ``finest`` positions a side.
    """
    if features.ndim == 2:  # vectors
        return features
    features = features.flatten(0, -4)
    if samples == IMAGES:
        return features.flatten(1)
    size = [min(side, finest) for side in features.shape[2:]]
    return F.adaptive_avg_pool2d(features, size).permute(0, 2, 3, 1).flatten(0, 2)
