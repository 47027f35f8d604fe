"""What is to be told apart from the teacher's image: images that are not the pair of s."""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FARTHEST = 8  # pixels


class Drawing(NamedTuple):
    """Images (N, C, H, W) of teacher and student, constants; each ``frames`` in a row are of one sample."""

    t: Tensor
    s: Tensor
    frames: int
    base: nn.Module | None
    generator: torch.Generator


def of_another_sample(t: Tensor, frames: int) -> Tensor:
    """The teacher's images of the sample before."""
    return t.roll(frames, 0)


def shuffled(given: Drawing) -> Tensor:
    """The teacher's image of another sample: a draw from p(t), so that log q(t|s) / p(t) is learned."""
    return of_another_sample(given.t, given.frames)


def moved(given: Drawing) -> Tensor:
    """t, moved by 1 to 8 pixels in a direction, its border mirrored: as sharp, and in the wrong place."""
    return _elsewhere(given, 0, FARTHEST)


def patches(given: Drawing) -> Tensor:
    """t, moved by a quarter to a half of its shorter side: other patches of the image, its border mirrored."""
    side = min(given.t.shape[-2:])
    return _elsewhere(given, side // 4 - 1, side // 2)


def drawn(given: Drawing) -> Tensor:
    """A draw from the base q0(.|s)."""
    return given.base.draw(given.s, given.generator)


def _elsewhere(given: Drawing, near: int, far: int) -> Tensor:
    """t, moved in a direction by more than ``near`` and at most ``far`` pixels, which its sides may shorten."""
    t, generator = given.t, given.generator
    height, width = t.shape[-2:]
    far = min(far, height - 1, width - 1)
    near = max(0, min(near, far - 1))
    padded = F.pad(t, (far,) * 4, mode='reflect')
    steps = torch.arange(-far, far + 1)
    outside = torch.maximum(steps.abs()[:, None], steps.abs()) > near
    corners = outside.nonzero().tolist()
    # drawn for the batch at once, to read them once
    chosen = torch.randint(len(corners), (len(t),), generator=generator, device=t.device).tolist()
    crops = zip(padded, (corners[each] for each in chosen), strict=True)
    return torch.stack([image[..., i : i + height, j : j + width] for image, (i, j) in crops])


NEGATIVES: dict[str, Callable[[Drawing], Tensor]] = dict(
    shuffled=shuffled, moved=moved, patches=patches, base=drawn
)
