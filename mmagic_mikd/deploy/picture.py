"""Pictures of any size through a deployed generator: padded to what it takes, in tiles, and cropped."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .spec import Spec

OVERLAP = 16


def to_input(picture: Tensor, spec: Spec) -> Tensor:
    """(1, C, H, W) as the generator takes it, of an RGB picture (H, W, 3) of whole numbers in [0, 255]."""
    image = picture.permute(2, 0, 1)[None].float() / 255
    if spec.order == 'GREY':
        image = (image * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    elif spec.order == 'BGR':
        image = image.flip(1)
    return image * (spec.highest - spec.lowest) + spec.lowest


def to_picture(image: Tensor, spec: Spec) -> Tensor:
    """The RGB picture (H, W, 3) in [0, 255] of what the generator makes, (1, C, H, W)."""
    share = ((image[0] - spec.lowest) / (spec.highest - spec.lowest)).clamp(0, 1)
    share = share.expand(3, -1, -1) if len(share) == 1 else share
    share = share.flip(0) if spec.output_order == 'BGR' else share
    return (255 * share).round().to(torch.uint8).permute(1, 2, 0)


def input_picture(image: Tensor, spec: Spec) -> Tensor:
    """The RGB picture (H, W, 3) of what it takes, which :func:`to_input` makes of one."""
    return to_picture(image, replace(spec, output_order=spec.order))


def stored(picture: Tensor, order: str) -> np.ndarray:
    """An RGB picture as OpenCV writes it; of 'GREY' the only channel that it has."""
    return picture.numpy()[..., 0] if order == 'GREY' else picture.numpy()[..., ::-1]


def translated(
    picture: Tensor,
    generate: Callable[[Tensor], Tensor],
    spec: Spec,
    tile: int = 0,
    overlap: int = OVERLAP,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> Tensor:
    """What the generator makes of a picture (H, W, 3) of any size.

    Args:
        generate: the generator, on inputs of the spec.
        tile: side of the tiles that larger pictures are cut into; 0 for the whole at once.
        overlap: pixels at a tile's border that only lend their surroundings to the rest; of a small tile a
            quarter of its side.
        told: called with the number of tiles that are done, and of all.
    """
    image = to_input(picture, spec)
    height, width = image.shape[2:]
    side = (height, width) if not tile else (min(tile, height), min(tile, width))
    if not spec.dynamic:
        side = spec.shape[-2:]
    margins = tuple(
        min(overlap, s // 4) for s in side
    )  # half of a small tile is its own, else nothing might be
    tiles = list(_tiles(height, width, side, margins))
    whole: Tensor | None = None
    for done, (top, left) in enumerate(tiles, start=1):
        part = _padded(image[..., top : top + side[0], left : left + side[1]], side, spec)
        made = generate(part)
        if whole is None:
            whole = made.new_zeros(1, made.shape[1], *(round(spec.scale * s) for s in (height, width)))
        _put(whole, made, (top, left), (height, width), side, spec.scale, margins)
        told(done, len(tiles))
    return to_picture(whole, spec)


def _tiles(height: int, width: int, side: tuple, margins: tuple) -> Iterator[tuple[int, int]]:
    """Upper left corners; neighbours share twice the margin."""
    for top in _starts(height, side[0], margins[0]):
        for left in _starts(width, side[1], margins[1]):
            yield top, left


def _starts(length: int, side: int, margin: int) -> list[int]:
    if length <= side:
        return [0]
    return [*range(0, length - side, side - 2 * margin), length - side]


def _padded(part: Tensor, side: tuple[int, int], spec: Spec) -> Tensor:
    """To the side wanted, and from there to a multiple, by its own border."""
    down, right = (
        -(-max(wanted, have) // spec.multiple) * spec.multiple - have
        for wanted, have in zip(side if not spec.dynamic else part.shape[2:], part.shape[2:], strict=True)
    )
    return F.pad(part, (0, right, 0, down), mode='replicate') if down or right else part


def _put(
    whole: Tensor, made: Tensor, at: tuple, size: tuple, side: tuple, scale: float, margins: tuple
) -> None:
    """The inner part of a tile; its margin only where no neighbour has it inside."""
    places = []
    for start, length, wide, margin in zip(at, size, side, margins, strict=True):
        first = 0 if start == 0 else margin
        last = min(wide, length - start)
        last -= 0 if start + wide >= length else margin
        places.append((round(scale * first), round(scale * last), round(scale * start)))
    (a, b, y), (c, d, x) = places
    whole[..., y + a : y + b, x + c : x + d] = made[..., a:b, c:d]
