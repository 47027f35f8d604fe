"""MMagic's StyleGAN2 generator with fewer channels in every layer."""

from typing import Any

from mmagic.models.editors.stylegan2.stylegan2_generator import StyleGAN2Generator

FULL_WIDTH = 512


class NarrowStyleGAN2Generator(StyleGAN2Generator):
    """StyleGAN2 whose layers have ``width`` / 512 of their channels, rounded up.

    MMagic's ``channel_multiplier`` narrows only the layers from 64 px on; compressing StyleGAN2 cuts
    every layer by the same share (Liu et al., "Content-Aware GAN Compression", CVPR 2021) and keeps
    the mapping network. At 256 px: 154 cuts 70 % (5.6 M parameters of 30.0 M, 4.1 G multiply-accumulates
    of 45.1 G), 103 cuts 80 %.

    Args:
        width: channels of the layers up to 32 px, 512 in the full network.
        args, kwargs: those of ``StyleGAN2Generator``.

    Raises:
        ValueError: the width is not within 1 and 512.
    """

    def __init__(self, *args: Any, width: int = FULL_WIDTH, **kwargs: Any) -> None:
        if not 1 <= width <= FULL_WIDTH:
            raise ValueError(f'NarrowStyleGAN2Generator: width={width}, choose 1 to {FULL_WIDTH}')
        self.width = width
        super().__init__(*args, **kwargs)

    @property
    def channels(self) -> dict[int, int]:
        """Channels by resolution. The parent writes its table here and builds its layers from it."""
        return self._channels

    @channels.setter
    def channels(self, table: dict[int, int]) -> None:
        self._channels = {size: -(-full * self.width // FULL_WIDTH) for size, full in table.items()}
