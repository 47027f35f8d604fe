"""Features of images from a pretrained backbone, loaded from a local file."""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import Tensor, nn

from ..compat.tensor_file import NotTensors, read
from ..teachers.entries import choose, entries, names
from ..teachers.weights import nearest, put
from ..utils.errors import ConfigError
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


def load_backbone(backbone: nn.Module, checkpoint: str, key: str) -> None:
    """Load every weight of ``backbone`` from a local file, safely; a classifier's head is left out.

    Args:
        key: the config key that names the file, for the error message.

    Raises:
        ConfigError: the file is absent or unreadable, or does not hold this network.
    """
    wanted, content = backbone.state_dict(), _read(checkpoint, key)
    found = entries(content, wanted)
    fitting = choose(found, 'backbone')
    if len(fitting) != 1:
        problem = nearest(wanted, found)
        if fitting:
            problem = f'{" and ".join(repr(entry.name) for entry in fitting)} fit, and differ'
        raise ConfigError(
            f'{key}={checkpoint} does not fit the backbone {type(backbone).__name__} ({problem}; the file '
            f'holds {names(content)}); give the file of exactly that network'
        )
    put(backbone, fitting[0], checkpoint)


def _read(checkpoint: str, key: str) -> Mapping:
    try:
        content = read(checkpoint)
    except FileNotFoundError:
        raise ConfigError(
            f'{key}={checkpoint} does not exist; set it to a local file with the weights of the '
            'backbone (nothing is downloaded), or take the metric out of the evaluator'
        ) from None
    except NotTensors as error:
        raise ConfigError(
            f'{key}={checkpoint} cannot be read as a file of tensors: it {error.reason}; {error.remedy}'
        ) from error
    if not isinstance(content, Mapping):
        raise ConfigError(
            f'{key}={checkpoint} holds a {type(content).__name__} without weights; use a file with a '
            '`state_dict`'
        )
    return content
