"""The published way of training: a critic, its Langevin chain and its loss, the bound."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from ..objective import Chain, View, frozen
from .chain_record import ChainRecord
from .critics import CriticObjective
from .langevin import STARTS, STEP_SIZE, langevin


class EnergyObjective(CriticObjective):
    """The bound with an energy-based q(t|s): chain, critic step, then the same samples for the student.

    Args:
        chain: ``start``, a name in :data:`langevin.STARTS`, and arguments of :func:`langevin`.
        given: see :class:`CriticObjective`.

    Attributes:
        records: of the chains that someone wants to see, by pair.
    """

    def __init__(self, *given: Any, chain: Mapping[str, Any], **options: Any) -> None:
        self._chain, self.step_size = dict(chain), chain.get('step_size', STEP_SIZE)
        start = self._chain.pop('start', 'student')
        self._start_name, self._start = STARTS[start]
        self._shuffled = start == 'shuffled'
        self.records: dict[str, ChainRecord] = {}
        self._samples: dict[str, tuple[Tensor, Tensor]] = {}
        super().__init__(*given, **options)
        # what a chain is clamped to, unless it is set: black and white in the images that it is given
        self._clamp = {} if self.place.range is None else dict(value_range=self.place.range)

    @property
    def least_batch(self) -> int:
        return 2 if self._shuffled else 1  # alone, a chain would start at its own positive

    def learning_loss(self, views: Sequence[View]) -> Tensor:
        """Run the chains; the loss of the critics for t, s and their ends."""
        self._samples.clear()
        return sum(self._critic_loss(view) for view in views)

    def _correction(self, pair: str) -> Callable[[Tensor, Tensor], Tensor]:
        """E(t, s), which the critic learns."""
        return self.critics[pair]

    def _critic_loss(self, view: View) -> Tensor:
        s, t, frames = self.constants(view)
        with frozen(self.network):
            start, end, t_neg = self._sample(view.name, t, s, frames)
        loss, energies = self.bound.critic_loss(self._correction(view.name), t, s, t_neg)
        constants = tuple(energy.detach() for energy in energies)
        self.chains[view.name] = Chain(start, end, t_neg, constants, loss.detach(), self.bound.critic_floor)
        if record := self.records.get(view.name):
            record.end(t_neg, t, energies)
        self.note(
            view.name,
            energy_t=energies.t,
            energy_neg=energies.t_neg,
            energy_gap=energies.t_neg - energies.t,
            chain_drift=(t_neg - start).abs(),
            chain_distance=(t - s).abs(),
            loss_critic=loss,
        )
        self._samples[view.name] = t, t_neg
        return loss

    def _sample(self, pair: str, t: Tensor, s: Tensor, frames: int) -> tuple[Tensor, Tensor, Tensor]:
        """Start and end of the chains, and the samples that the ends are made into."""
        start, ends = self._start(t, s, frames), []
        energy = self._watched(pair, s)
        settings = {**self._clamp, **self._chain}
        t_neg = langevin(energy, start, generator=self._noise, watch=ends.append, **settings)
        return start, ends[0], t_neg

    def _watched(self, pair: str, s: Tensor) -> Callable[[Tensor], Tensor]:
        """t -> E(t, s), which whoever wants to see the chain is shown."""
        energy, record = self._given(pair, s), self.records.get(pair)
        return record.watching(energy, self._start_name) if record else energy

    def _given(self, pair: str, s: Tensor) -> Callable[[Tensor], Tensor]:
        return self.critics[pair].given(s)

    def __call__(self, views: Sequence[View], gate: Callable) -> Tensor:
        """The bound with the updated critics and the same samples, differentiable in the students only."""
        with frozen(self.network):
            return sum(self._raising(view, gate) for view in views)

    def _raising(self, view: View, gate: Callable) -> Tensor:
        t, t_neg = self._samples.pop(view.name)
        s = view.at(self.place, gate)[0].flatten(0, -4)
        return self.bound(self.critics[view.name], t, s, t_neg)
