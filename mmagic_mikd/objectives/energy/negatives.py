"""What is to be told apart from the teacher's image: images that are not the pair of s."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Negatives = Callable[[Tensor, Tensor, nn.Module | None, torch.Generator], Tensor]
FARTHEST = 8  # pixels


def shuffled(t: Tensor, s: Tensor, base: nn.Module | None, generator: torch.Generator) -> Tensor:
    """The teacher's image of another sample: a draw from p(t), so that log q(t|s) / p(t) is learned."""
    return t.roll(1, 0)


def moved(t: Tensor, s: Tensor, base: nn.Module | None, generator: torch.Generator) -> Tensor:
    """t, moved by 1 to 8 pixels in a direction, its border mirrored: as sharp, and in the wrong place."""
    far = min(FARTHEST, *(side - 1 for side in t.shape[-2:]))
    padded = F.pad(t, (far,) * 4, mode='reflect')
    height, width = t.shape[-2:]
    # of all places but the middle, in which t itself is; drawn for the batch at once, to read them once
    place = torch.randint((2 * far + 1) ** 2 - 1, (len(t),), generator=generator, device=t.device).tolist()
    middle = 2 * far * (far + 1)
    corners = [divmod(p + (p >= middle), 2 * far + 1) for p in place]
    crops = zip(padded, corners, strict=True)
    return torch.stack([image[..., i : i + height, j : j + width] for image, (i, j) in crops])


def drawn(t: Tensor, s: Tensor, base: nn.Module | None, generator: torch.Generator) -> Tensor:
    """A draw from the base q0(.|s)."""
    return base.draw(s, generator)


NEGATIVES: dict[str, Negatives] = dict(shuffled=shuffled, moved=moved, base=drawn)
