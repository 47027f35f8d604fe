"""How far images are from each other, in the grey levels that a viewer sees."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from .spec import Spec


class Difference(NamedTuple):
    """Largest and mean difference in grey levels of 255, and peak signal to noise ratio in decibels."""

    largest: float
    mean: float
    psnr: float

    def __str__(self) -> str:
        return f'largest {self.largest:.3g}, mean {self.mean:.2g} grey levels, {self.psnr:.1f} dB'


def compare(made: Iterable[Tensor], wanted: Iterable[Tensor], spec: Spec) -> Difference:
    """Of images with black and white where ``spec`` says, beyond which all is black or white."""
    differences = [_grey(a, spec) - _grey(b, spec) for a, b in zip(made, wanted, strict=True)]
    whole = torch.cat([difference.flatten() for difference in differences])
    square = whole.square().mean().clamp(min=1e-12)
    return Difference(
        whole.abs().max().item(), whole.abs().mean().item(), (10 * torch.log10(255**2 / square)).item()
    )


def _grey(image: Tensor, spec: Spec) -> Tensor:
    share = (image.detach().double() - spec.lowest) / (spec.highest - spec.lowest)
    return 255 * share.clamp(0, 1)
