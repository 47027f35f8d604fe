"""Pictures that a page starts from, and the colours to draw with."""

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ...utils.errors import ConfigError
from ..export.translate import PICTURES, load

MOST = 12  # colours of a palette
NEAR = 40  # grey levels between two colours that a painter takes for one
RARE = 0.003  # share of the pixels below which a colour is no label, but what a lossy file has at edges


class Start(NamedTuple):
    """An RGB picture (H, W, 3) of whole numbers in [0, 255]."""

    name: str
    picture: Tensor


def start_pictures(folder: Path, given: list[Path]) -> list[Start]:
    """The given files, or the test images that export.py has kept."""
    kept = folder / 'inputs'
    paths = given or sorted(path for path in kept.glob('*') if path.suffix.lower() in PICTURES)
    for path in paths:
        if not path.is_file():
            raise ConfigError(f'--picture {path} does not exist: correct the path')
    return [Start(path.name, load(path)) for path in paths]


def palette(starts: list[Start]) -> list[list[int]]:
    """The most frequent colours, each unlike those before it."""
    values, places = (_pixels(starts) // 16).unique(dim=0, return_inverse=True)
    counts = places.bincount(minlength=len(values))
    sums = torch.zeros(len(values), 3).index_add(0, places, _pixels(starts).float())
    colours = (sums / counts[:, None]).round().long()
    found: list[Tensor] = []
    for index in counts.argsort(descending=True, stable=True):
        unlike = all((colours[index] - other).abs().max() > NEAR for other in found)
        if unlike and len(found) < MOST and counts[index] >= RARE * counts.sum():
            found.append(colours[index])
    return [colour.tolist() for colour in found]


def few_colours(starts: list[Start]) -> bool:
    """Whether the pictures are flat areas of a palette, as label maps and line drawings are.

    Compressed label maps are so in about half of their pixels, photographs in less than a fifth.
    """
    if not starts:
        return False
    colours = torch.tensor(palette(starts))
    flat = []
    for _, picture in starts:
        rows = picture[:: max(1, picture.shape[0] // 100)].long()  # some of them
        inside, beside = rows[:, :-1], rows[:, 1:]
        even = (inside - beside).abs().amax(2) <= 3
        of_palette = (inside[:, :, None] - colours).abs().amax(3).amin(2) <= 12
        flat.append((even & of_palette).float().mean())
    return torch.stack(flat).mean().item() > 0.3


def _pixels(starts: list[Start]) -> Tensor:
    """Some 10,000 of each picture, (N, 3), from everywhere."""
    flat = [start.picture.reshape(-1, 3).long() for start in starts]
    return torch.cat([pixels[:: max(1, len(pixels) // 10_000)] for pixels in flat])
