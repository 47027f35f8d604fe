"""How large photographs are cut for a network: tried, because its depth says little about how far it looks."""

from typing import NamedTuple

import torch
import torch.nn.functional as F

from ...deploy.compare import Difference
from ...deploy.picture import OVERLAP, translated
from .exported import Exported
from .starts import Start

SIDE = 128  # pixels of a tile without its margins: the memory of a browser, more than its time
OVERLAPS = (8, 16, 32)  # less costs less: 256 px are two tiles of 136 a side, or of 144
LEAST = 50.0  # decibels between tiles and the whole, from which no seam is seen


class Tiling(NamedTuple):
    """Side and overlap of tiles; side 0 where a picture has to be taken whole."""

    side: int
    overlap: int
    difference: Difference | None


def tiling_of(student: Exported, starts: list[Start]) -> Tiling:
    """The smallest overlap with which tiles make what the whole picture makes."""
    spec, generate = student.spec, student.generate
    if not spec.dynamic:  # it has one size, and larger pictures are tiles of it whether they show or not
        return Tiling(max(spec.shape[-2:]), OVERLAP, None)
    picture = _large(starts[0].picture if starts else _noise())
    whole = translated(picture, generate, spec)
    for overlap in OVERLAPS:
        side = SIDE + 2 * overlap
        difference = _between(translated(picture, generate, spec, side, overlap=overlap), whole)
        if difference.psnr >= LEAST:
            return Tiling(side, overlap, difference)
    return Tiling(0, OVERLAP, difference)


def _large(picture: torch.Tensor) -> torch.Tensor:
    """So large that it has four tiles: mirrored again and again where it is small."""
    side = 2 * SIDE + 1
    image = picture.permute(2, 0, 1)[None].float()
    while min(image.shape[2:]) < side:
        down, right = (min(length - 1, max(0, side - length)) for length in image.shape[2:])
        image = F.pad(image, (0, right, 0, down), mode='reflect')
    return image[0, :, :side, :side].to(torch.uint8).permute(1, 2, 0)


def _noise() -> torch.Tensor:
    return torch.randint(0, 256, (SIDE, SIDE, 3), generator=torch.Generator().manual_seed(0))


def _between(made: torch.Tensor, wanted: torch.Tensor) -> Difference:
    """In the grey levels of pictures."""
    difference = made.double() - wanted.double()
    square = difference.square().mean().clamp(min=1e-12)
    psnr = (10 * torch.log10(255**2 / square)).item()
    return Difference(difference.abs().max().item(), difference.abs().mean().item(), psnr)
