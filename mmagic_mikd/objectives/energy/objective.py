"""Mutual information in training: a critic for each pair, its chain and its loss, the bound."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..objective import Chain, Keys, Objective, Place, View, frozen
from .bound import MIDistillLoss
from .chain_record import ChainRecord
from .langevin import STARTS, STEP_SIZE, langevin

COLOURS = 3  # what a critic is built for before it has seen images


class EnergyObjective(Objective):
    """The bound with an energy-based q(t|s): chain, critic step, then the same samples for the student.

    Args:
        name, place, until, keys, ratio: see :class:`Objective`.
        bound: its two losses.
        pairs: names of the pairs, each of which gets a critic.
        make_critic: builds one, from the shortest side of the images and their channels, each None where
            these are not yet known.
        chain: ``start``, a name in :data:`langevin.STARTS`, and arguments of :func:`langevin`.
        noise: source of the chain's noise.
        waits_for_batch: whether the critics' depth follows the images of the first batch.
        follows_channels: whether their channels do; critics for colours are built anew for other images.

    Attributes:
        records: of the chains that someone wants to see, by pair.
    """

    waits = True  # a learned energy can say anything
    title, learned = 'mutual information', 'the critic'

    def __init__(
        self,
        name: str,
        bound: MIDistillLoss,
        pairs: Sequence[str],
        make_critic: Callable[..., nn.Module],
        chain: Mapping[str, Any],
        noise: torch.Generator,
        place: Place,
        waits_for_batch: bool = False,
        follows_channels: bool = False,
        until: float | None = None,
        keys: Keys = Keys(),  # noqa: B008  a constant
        ratio: float | None = None,
    ) -> None:
        super().__init__(name, {}, place, bound.loss_weight, until, keys=keys, ratio=ratio)
        self.bound, self._make_critic, self._noise = bound, make_critic, noise
        self._chain, self.step_size = dict(chain), chain.get('step_size', STEP_SIZE)
        start = self._chain.pop('start', 'student')
        self._start_name, self._start = STARTS[start]
        self._shuffled = start == 'shuffled'
        self._pairs, self._follows_channels = tuple(pairs), follows_channels
        self.critics = nn.ModuleDict()
        self.records: dict[str, ChainRecord] = {}
        self._samples: dict[str, tuple[Tensor, Tensor]] = {}
        self.built = None
        if not waits_for_batch:
            self.build()

    @property
    def kind(self) -> str:
        return type(self.bound).__name__

    @property
    def network(self) -> nn.ModuleDict:
        return self.critics

    @property
    def learns(self) -> bool:
        return True

    @property
    def least_batch(self) -> int:
        return 2 if self._shuffled else 1  # alone, a chain would start at its own positive

    def samples(self, view: View) -> int:
        return math.prod(view.s.shape[:-3])  # the frames of clips are samples

    def sizes(self, views: Sequence[View]) -> tuple[int, ...]:
        """The shortest side of this batch's images, and the channels of each pair's."""
        images = {view.name: view.at(self.place)[0] for view in views}
        channels = {name: image.shape[-3] for name, image in images.items()}
        default = next(iter(channels.values()))
        side = min(min(image.shape[-2:]) for image in images.values())
        return side, *(channels.get(pair, default) for pair in self._pairs)

    def fits(self, views: Sequence[View]) -> bool:
        """Critics that knew nothing of the images are for three channels."""
        return not self._follows_channels or self.built != () or set(self.sizes(views)[1:]) == {COLOURS}

    def build(self, *sizes: int) -> None:
        """Make the critics, for images of this side and more, and of these channels."""
        self.built = sizes
        side, *channels = sizes or (None,)
        channels = channels or [None] * len(self._pairs)  # an old checkpoint has the side alone
        critics = map(self._make_critic, [side] * len(channels), channels)
        self.critics.update(dict(zip(self._pairs, critics, strict=True)))
        self.critics.to(self._noise.device)

    def learning_loss(self, views: Sequence[View]) -> Tensor:
        """Run the chains; the loss of the critics for t, s and their ends."""
        self._samples.clear()
        return sum(self._critic_loss(view) for view in views)

    def _critic_loss(self, view: View) -> Tensor:
        s, t = (x.detach().flatten(0, -4) for x in view.at(self.place))
        critic, record = self.critics[view.name], self.records.get(view.name)
        start, ends = self._start(t, s), []
        with frozen(critic):
            energy = critic.given(s)
            energy = record.watching(energy, self._start_name) if record else energy
            t_neg = langevin(energy, start, generator=self._noise, watch=ends.append, **self._chain)
        loss, energies = self.bound.critic_loss(critic, t, s, t_neg)
        constants = tuple(energy.detach() for energy in energies)
        self.chains[view.name] = Chain(
            start, ends[0], t_neg, constants, loss.detach(), self.bound.critic_floor
        )
        if record:
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

    def __call__(self, views: Sequence[View], gate: Callable) -> Tensor:
        """The bound with the updated critics and the same samples, differentiable in the students only."""
        with frozen(self.critics):
            return sum(self._bound(view, gate) for view in views)

    def _bound(self, view: View, gate: Callable) -> Tensor:
        t, t_neg = self._samples.pop(view.name)
        s = view.at(self.place, gate)[0].flatten(0, -4)
        return self.bound(self.critics[view.name], t, s, t_neg)
