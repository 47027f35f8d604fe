"""The states of one chain and their energies, kept while the chain runs."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from .bound import Energies


class State(NamedTuple):
    """Images (N, C, H, W) in [-1, 1] and their energies (N,), if they have any, both on the CPU."""

    name: str
    images: Tensor
    energies: Tensor | None


class ChainRecord:
    """What the chain of one pair passes through, of the first ``samples`` images; it changes nothing.

    Attributes:
        states: the start, every step, the last one as clamped 't~', and the target 't';
            empty until a chain has ended.
    """

    def __init__(self, samples: int) -> None:
        self._samples = samples
        self.states: list[State] = []
        self._chain: list[State] = []

    def watching(self, energy: Callable[[Tensor], Tensor], start: str) -> Callable[[Tensor], Tensor]:
        """The same energy, which keeps what it is asked: a new chain's states, of which the first is named."""
        self._chain = []

        def watched(t: Tensor) -> Tensor:
            energies = energy(t)
            number = len(self._chain)
            self._chain.append(self._state(f'step {number}' if number else start, t, energies))
            return energies

        return watched

    def end(self, t_neg: Tensor, t: Tensor, energies: Energies) -> None:
        """The chain has ended at ``t_neg``; it should have come to ``t``."""
        last, target = self._state('t~', t_neg, energies.t_neg), self._state('t', t, energies.t)
        self.states, self._chain = [*self._chain, last, target], []

    def _state(self, name: str, images: Tensor, energies: Tensor) -> State:
        images, energies = (x.detach()[: self._samples].float().cpu() for x in (images, energies))
        return State(name, images.clone(), energies.clone())
