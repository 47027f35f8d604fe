"""Which pixel value is white in the pictures that a model of the toolbox is trained on."""

from typing import Any

import torch

DEEPER = tuple(2.0**bits - 1 for bits in (10, 12, 14, 16))


def white_of(preprocessor: Any) -> float:
    """255, unless ``mean`` or ``std`` of the data preprocessor is larger, which no 8-bit picture would need.

    Then what is divided by, where nothing is subtracted; else the largest value of the least depth that
    reaches so far.
    """
    mean, std = (
        torch.as_tensor(getattr(preprocessor, name, 0.0)).abs().max().item() for name in ('mean', 'std')
    )
    reach = max(mean, std)
    if reach <= 255:
        return 255
    return std if mean == 0 else next((white for white in DEEPER if white >= reach), reach)
