"""Random states: nothing of ours may move the toolbox's random stream."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

CPU = torch.device('cpu')


class RandomState(NamedTuple):
    """The global random states a forward pass can draw from: Python, NumPy, torch and one GPU."""

    python: tuple
    numpy: tuple
    torch: Tensor
    cuda: Tensor | None
    device: torch.device

    @classmethod
    def capture(cls, device: torch.device) -> 'RandomState':
        cuda = torch.cuda.get_rng_state(device) if device.type == 'cuda' else None
        return cls(random.getstate(), np.random.get_state(), torch.get_rng_state(), cuda, device)

    def restore(self) -> None:
        random.setstate(self.python)
        np.random.set_state(self.numpy)
        torch.set_rng_state(self.torch)
        if self.cuda is not None:
            torch.cuda.set_rng_state(self.cuda, self.device)

    def equals(self, other: 'RandomState') -> bool:
        """Whether nothing was drawn from the one to the other."""
        pairs = [(self.torch, other.torch), (self.cuda, other.cuda)]
        return (
            self.python == other.python
            and all(np.array_equal(a, b) for a, b in zip(self.numpy, other.numpy, strict=True))
            and all(a is b or torch.equal(a, b) for a, b in pairs)
        )


@contextmanager
def replayed(state: RandomState) -> Iterator[None]:
    """Draw what was drawn from ``state`` on, then go on as if nothing had been drawn."""
    current = RandomState.capture(state.device)
    state.restore()
    try:
        yield
    finally:
        current.restore()


@contextmanager
def seeded(seed: int, device: torch.device = CPU) -> Iterator[None]:
    """Draw from fresh states of the CPU, and of a GPU if named, then go on as if nothing had been drawn."""
    current = RandomState.capture(device)
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.default_generator.manual_seed(seed)
    if device.type == 'cuda':
        torch.cuda.manual_seed(seed)
    try:
        yield
    finally:
        current.restore()
