"""The energy network E(t, s) of the variational distribution q(t|s) = exp(-E(t, s)) / Z(s)."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...utils.checks import require_number
from ...utils.errors import ConfigError
from .published import BASE_CHANNELS
from .spectral_norm import pooled, spectral


class ResidualBlock(nn.Module):
    """shortcut(x) + conv2(LeakyReLU(conv1(x))), average pooling by two, LeakyReLU.

    The pooling is done within both summands, which is less work: see ``spectral_norm.PooledKernel``.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = spectral(nn.Conv2d(in_channels, in_channels, 3, padding=1))
        conv2 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.conv2 = pooled(spectral(conv2, weight_std=1e-10, upper_bound_only=True))
        self.shortcut = (
            nn.AvgPool2d(2)
            if in_channels == out_channels
            else pooled(spectral(nn.Conv2d(in_channels, out_channels, 3, padding=1)))
        )

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.leaky_relu(self.conv1(x), inplace=True)  # in place: the backward pass wants results only
        return F.leaky_relu(self.conv2(hidden).add_(self.shortcut(x)), inplace=True)


class EnergyCritic(nn.Module):
    """Scalar energy of an image pair; low energy means a likely pair. Unbounded output.

    The reference network of VEM (Kang et al., NeurIPS 2022): average pooling, a convolution on the
    concatenated pair, ``num_blocks`` residual blocks of widths c0 -> 2 c0 -> 4 c0 -> 4 c0 ..., ReLU,
    spatial mean, linear. Every layer is spectrally normalised; there is no other normalisation.

    Args:
        base_channels: c0, the width after the first convolution.
        image_size: side, or (height, width), of the smallest images that the critic will see. It only
            sets the depth, log2(side / 2): any larger image is accepted.
        t_channels, s_channels: channels of teacher and student images; in a training those of the first
            batch, unless they are set.
        num_blocks: the depth itself, in place of ``image_size``.

    Raises:
        ConfigError: a setting is no whole number or too small.
    """

    def __init__(
        self,
        base_channels: int = BASE_CHANNELS,
        image_size: int | tuple[int, int] = 256,
        t_channels: int = 3,
        s_channels: int = 3,
        num_blocks: int | None = None,
    ) -> None:
        super().__init__()
        for name in ('base_channels', 't_channels', 's_channels'):
            require_number(f'EnergyCritic: {name}', locals()[name], least=1, most=65536, whole=True)
        if num_blocks is None:
            sides = image_size if isinstance(image_size, tuple | list) and image_size else [image_size]
            for side in sides:
                require_number('EnergyCritic: image_size', side, least=4, most=2**17, whole=True)
            num_blocks = int(math.log2(min(sides) / 2))
        require_number('EnergyCritic: num_blocks', num_blocks, least=0, most=16, whole=True)
        self.t_channels, self.s_channels = t_channels, s_channels
        widths = [base_channels * min(2**i, 4) for i in range(num_blocks + 1)]
        self.stem = spectral(nn.Conv2d(t_channels + s_channels, base_channels, 3, padding=1))
        self.blocks = nn.Sequential(*map(ResidualBlock, widths, widths[1:]))
        self.head = spectral(nn.Linear(widths[-1], 1))

    def forward(self, t: Tensor, s: Tensor) -> Tensor:
        """Energies of shape (N,) of teacher images t and student images s, (N, C, H, W) in [-1, 1].

        Raises:
            ConfigError: the pair does not fit together or is too small for the depth of the network.
        """
        return self.given(s)(t)

    def given(self, s: Tensor) -> Callable[[Tensor], Tensor]:
        """t -> E(t, s), for many t: the part of the first layer that sees s alone is computed once."""
        features = self._features(s)
        return lambda t: self.head(features(t).mean(dim=(2, 3))).squeeze(1)

    def local(self, t: Tensor, s: Tensor) -> Tensor:
        """Energies (N, h, w) of the places of an image, each of what its receptive field sees of the pair.

        Their mean is E(t, s), because the head is linear and comes after a mean.
        """
        return self.head(self._features(s)(t).movedim(1, -1)).squeeze(-1)

    def _features(self, s: Tensor) -> Callable[[Tensor], Tensor]:
        self._check_channels('s', s, self.s_channels)
        of_t, of_s = self.stem.weight.split([self.t_channels, self.s_channels], dim=1)
        s_half = F.conv2d(_halved(s), of_s, self.stem.bias, padding=1)

        def features(t: Tensor) -> Tensor:
            self._check(t, s)
            t_half = F.conv2d(_halved(t), of_t, padding=1)
            return F.relu(self.blocks(F.leaky_relu(t_half.add_(s_half), inplace=True)))

        return features

    def _check(self, t: Tensor, s: Tensor) -> None:
        if t.shape[0] != s.shape[0] or t.shape[2:] != s.shape[2:]:
            raise ConfigError(
                f'EnergyCritic: t {tuple(t.shape)} and s {tuple(s.shape)} are no pairs; '
                'batch size, height and width must agree'
            )
        self._check_channels('t', t, self.t_channels)
        if (min(t.shape[2:]) + 1) // 2 < 2 ** len(self.blocks):
            raise ConfigError(
                f'EnergyCritic: images of {t.shape[2]}x{t.shape[3]} are too small for '
                f'{len(self.blocks)} blocks; set critic.image_size={min(t.shape[2:])}'
            )

    def _check_channels(self, name: str, image: Tensor, wanted: int) -> None:
        """Before the convolution that would say it in words of its own."""
        if image.shape[1] != wanted:
            raise ConfigError(
                f'EnergyCritic: {name} has {image.shape[1]} channels, critic.{name}_channels is {wanted}: '
                'leave it out, and it follows the images'
            )


def _halved(image: Tensor) -> Tensor:
    """Average pooling, 3 x 3 by two, as a convolution of each channel: its gradient is half as dear on a CPU.

    The kernel of ones is exact in half precision, too.
    """
    channels = image.size(1)
    ones = image.new_ones(channels, 1, 3, 3)
    image = image.contiguous(memory_format=torch.channels_last)  # the fastest layout for few channels
    return F.conv2d(image, ones, stride=2, padding=1, groups=channels).div_(9)
