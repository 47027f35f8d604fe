"""Which values are black and white in a network's images, and the same images in another range."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..utils.errors import ConfigError


class ImageRange:
    """The range of the images that a student and its teacher make.

    Args:
        path: of the student in the model, for messages.
        preprocessor: normalises images of [0, 255]; the networks' images are taken to be so, too.
        own: lowest and highest value, in place of what the preprocessor says.
        residual: whether mapped images are what the network adds to its input, resized to the image.
    """

    def __init__(
        self,
        path: str,
        preprocessor: nn.Module,
        own: tuple[float, float] | None = None,
        residual: bool = False,
    ) -> None:
        self.path, self.residual = path, residual
        self._preprocessor, self._own = preprocessor, own

    def seen(self, image: Tensor, to: tuple[float, float], x: Tensor | None) -> Tensor:
        """As an objective with a range sees it: :meth:`mapped`, or the residual of that to the input ``x``."""
        mapped = self.mapped(image, to)
        return mapped - self.mapped(self._like(image, x), to) if self.residual else mapped

    def mapped(self, image: Tensor, to: tuple[float, float]) -> Tensor:
        """Images (N, C, H, W), or clips (N, T, C, H, W), with black and white at ``to``; float32.

        Raises:
            ConfigError: these are no images, or their range is unknown.
        """
        if image.ndim not in (4, 5):
            raise ConfigError(
                f'{self.path!r} makes tensors of shape {tuple(image.shape)}, not images (N, C, H, W) or clips '
                '(N, T, C, H, W), so there is no mutual information of images to raise; set '
                'default_hooks.distill.objectives.mi=None and use another objective without `range`'
            )
        low, high = to
        lowest, span = self._range(image.shape[-3])
        return (high - low) * (image.float() - lowest) / span + low

    def _like(self, image: Tensor, x: Tensor | None) -> Tensor:
        """The network's input at the size of ``image``."""
        shape = () if x is None else tuple(x.shape)
        if image.ndim != 4 or shape[:-2] != image.shape[:-2]:
            raise ConfigError(
                f'default_hooks.distill.pairs: {self.path!r} makes {tuple(image.shape)} of {shape}, so there '
                'is no image to subtract; leave `residual` out'
            )
        return F.interpolate(x.float(), image.shape[-2:], mode='bicubic')

    def _range(self, channels: int) -> tuple[Tensor | float, Tensor | float]:
        """Where the images' values start, and how far they reach."""
        if self._own is not None:
            lowest, highest = self._own
            return lowest, highest - lowest
        mean = torch.as_tensor(getattr(self._preprocessor, 'mean', 0.0))
        std = torch.as_tensor(getattr(self._preprocessor, 'std', 1.0))
        if std.numel() not in (1, channels):
            raise ConfigError(
                f'the data preprocessor normalises {std.numel()} channels, the images of {self.path!r} have '
                f'{channels}; set `value_range` in default_hooks.distill.pairs to (lowest, highest)'
            )
        return -mean / std, 255 / std
