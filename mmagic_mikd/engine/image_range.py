"""Which values are black and white in a network's images, and the same images in another range."""

import logging
from functools import cached_property

import torch
import torch.nn.functional as F
from mmengine.logging import print_log
from torch import Tensor, nn

from ..utils.errors import ConfigError
from ..utils.white import white_of

UNIT = (-1.0, 1.0)
FAR_SHARE = 0.1  # of the values
BLACK = 2 / 255  # of a range that is 2 wide: one step of 8 bit


class ImageRange:
    """The range of the images that a student and its teacher make.

    Args:
        path: of the student in the model, for messages.
        preprocessor: normalises images of [0, 255], or what else it takes for white, see :func:`white_of`;
            the networks' images are taken to be so, too.
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

    @cached_property
    def white(self) -> float:
        """The pixel value of white; asked of the device once."""
        return white_of(self._preprocessor)

    def require_pictures(self, image: Tensor, far: float) -> None:
        """A look at a first batch: what lies as far out of [-1, 1] as ``far`` has another range.

        Raises:
            ConfigError: a tenth of it does; what is not finite says nothing about a range.
        """
        unit = self.mapped(image.detach(), UNIT)
        unit = unit[unit.isfinite()]
        if unit.numel() and (unit.abs() > far).float().mean() > FAR_SHARE:
            raise ConfigError(
                f'the images of {self.path!r} reach from {unit.min():.3g} to {unit.max():.3g} where black is '
                'at -1 and white at 1: set `value_range` in default_hooks.distill.pairs to (lowest, highest), '
                'or `mean` and `std` of model.data_preprocessor to those of such pictures'
            )

    def warn_of_black(self, image: Tensor) -> None:
        """A first batch of the data in which nothing is brighter than black has, more likely, another range.

        As where the pipeline has normalised the pictures, and the data preprocessor says nothing of it.
        """
        if (self.mapped(image.detach(), UNIT) - UNIT[0]).abs().max() <= BLACK:
            lowest, highest = image.min().item(), image.max().item()
            print_log(
                f'The target images of {self.path!r} reach from {lowest:.3g} to {highest:.3g}, which is all '
                'black, as mean and std of model.data_preprocessor say: set `value_range` in '
                'default_hooks.distill.pairs to (lowest, highest) if it is not',
                'current',
                logging.WARNING,
            )

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
        return -mean / std, self.white / std
