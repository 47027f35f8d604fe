"""Pix2Pix's U-Net on sizes that it cannot halve often enough dies of "Sizes of tensors must match".

Neither that nor the traceback says which sizes fit. No upstream thread of one cause, many that ask.
Delete this file when `UnetGenerator` checks its input.
"""

import functools

from ..utils.errors import ConfigError
from . import on_import


def apply(report) -> None:
    on_import.after('mmagic.models.editors.pix2pix.pix2pix_generator', lambda module: report(repair(module)))


def repair(pix2pix_generator) -> bool:
    """Let the generator look at its input first."""
    generator, block = pix2pix_generator.UnetGenerator, pix2pix_generator.UnetSkipConnectionBlock
    stock = generator.forward

    @functools.wraps(stock)
    def forward(self, x):
        levels = sum(isinstance(module, block) for module in self.modules())
        require_size(tuple(x.shape[-2:]), levels)
        return stock(self, x)

    generator.forward = forward
    return True


def require_size(size: tuple[int, int], levels: int) -> None:
    factor = 2**levels
    if any(side % factor for side in size):
        raise ConfigError(
            f'images of {size[0]}x{size[1]} do not fit the U-Net of model.generator, which halves them '
            f'{levels} times: let the data pipeline make both sides multiples of {factor} (Resize, crop), or '
            'set model.generator.num_down to less, for student and teacher alike'
        )
