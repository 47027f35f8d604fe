"""An energy that learns what makes a pair from what is none: critic step, then the student's, no chain."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from ..calls import alike
from ..features import handed_on
from ..objective import Look, View, frozen
from .critics import CriticObjective
from .estimators import ESTIMATORS
from .negatives import NEGATIVES, Drawing

Sight = Tensor | list[Tensor]  # an image, or its features


class Glance(NamedTuple):
    """What the critic sees of s, as a function of ``leaf``, a copy without a graph, of t and of others."""

    leaf: Tensor
    t: Tensor
    seen: Sight
    others: list[Sight]


class ContrastiveObjective(CriticObjective):
    """q(t|s) = q0 exp(-E(t, s)) / Z(s), E the sum over places, by one of :data:`estimators.ESTIMATORS`.

    q0 is what the negatives are drawn from. Images of other samples are draws from p(t). Of a closed form, the
    base, the scales are learned by maximum likelihood along with the critic. Both give the student the gradient
    of -log q(t|s). Moved images are draws from a density that depends on t, and so on s; no gradient of that
    reaches the student, which then follows the energy and not a bound.

    Args:
        backbones: of each pair, through which its critic sees images; None for the images themselves.
        make_base: builds a closed form that can be drawn from, such as HaarLaplaceLoss; None for p(t).
        given: see :class:`CriticObjective`; ``make_critic`` gets the channels of the layers of a backbone.
    """

    def __init__(
        self,
        *given: Any,
        backbones: Mapping[str, Look] | None = None,
        make_base: Callable[[], nn.Module] | None = None,
        **options: Any,
    ) -> None:
        self._backbones, self._make_base = backbones, make_base
        self._rest = nn.ModuleDict(dict(bases=nn.ModuleDict(), normalisers=nn.ModuleDict()))
        self._seen: dict[str, Glance] = {}
        super().__init__(*given, **options)
        self._estimator = ESTIMATORS[self.bound.estimator]

    @property
    def network(self) -> nn.ModuleDict:
        return nn.ModuleDict(dict(critics=self.critics, **self._rest))

    @property
    def least_batch(self) -> int:
        return 2 if 'shuffled' in self.bound.negatives else 1  # alone, it would be its own negative

    def sizes(self, views: Sequence[View]) -> tuple[int, ...]:
        """Of the images, and the channels of the layers that a critic sees of them."""
        sizes = super().sizes(views)
        if self._backbones is None:
            return sizes
        seen = [self._look(view, view.at(self.place)[1]) for view in views]
        widths = [[feature.shape[1] for feature in each] for each in seen]
        return *sizes, *alike(self.keys.objective, widths, lambda *channels: [self._make_critic(channels)])

    def build(self, *sizes: int) -> None:
        count = 1 + len(self._pairs)
        if self._backbones is None:
            super().build(*sizes)
        else:
            self.built = sizes
            self.critics.update({pair: self._make_critic(sizes[count:]) for pair in self._pairs})
        channels = sizes[1:count] or [3] * len(self._pairs)
        for pair, width in zip(self._pairs, channels, strict=True):
            if self._make_base is not None:
                self._rest['bases'][pair] = self._make_base()
            if ESTIMATORS[self.bound.estimator].normalised:
                self._rest['normalisers'][pair] = Normaliser(width)
        self.network.to(self._noise.device)

    def energy(self, pair: str, t: Tensor, s: Tensor) -> Tensor:
        """Of images; where there is a backbone, of the features that the critic sees, without a base."""
        energy = self._local(pair, [t], s, s)[0].flatten(1).sum(1)
        if self._make_base is None:
            return energy
        return energy + self._rest['bases'][pair].energy(t, s) * t[0].numel()

    def learning_loss(self, views: Sequence[View]) -> Tensor:
        return sum(self._learning(view) for view in views)

    def _learning(self, view: View) -> Tensor:
        s, t, frames = self.constants(view)
        s, t = s.float(), t.float()
        base = self._rest['bases'][view.name] if self._make_base else None
        with torch.no_grad():
            drawing = Drawing(t, s, frames, base, self._noise)
            drawn = [NEGATIVES[kind](drawing) for kind in self.bound.negatives]
            others = [self._look(view, image) for image in (t, *drawn)]
        leaf = s.requires_grad_()
        with torch.enable_grad():
            self._seen[view.name] = Glance(leaf, t, self._look(view, leaf), others)
        s = s.detach()
        energies, *others = self._local(
            view.name, others, tree_map(Tensor.detach, self._seen[view.name].seen), s
        )
        loss = self._estimator.learning(energies, others)
        self._note(view.name, energies, torch.stack(others), loss)
        return loss if base is None else loss + base(s, t)

    def _note(self, pair: str, energies: Tensor, others: Tensor, loss: Tensor) -> None:
        right = ((energies < 0).float().mean() + (others > 0).float().mean()) / 2
        if self._estimator.two_terms:  # of an energy that has no zero
            right = (energies < others).float().mean()
        gap = others.mean() - energies.mean()
        self.note(
            pair, energy_t=energies, energy_neg=others, energy_gap=gap, accuracy=right, loss_critic=loss
        )

    def __call__(self, views: Sequence[View], gate: Callable) -> Tensor:
        with frozen(self.network):
            return sum(self._raising(view, gate) for view in views)

    def _raising(self, view: View, gate: Callable) -> Tensor:
        leaf, t, seen, others = self._seen.pop(view.name)
        others = others if self._estimator.two_terms else others[:1]
        energies, *others = self._local(view.name, others, seen, leaf)
        value = self._estimator.raising(energies, others)
        if (
            self._make_base is not None
        ):  # whose unit is nats per value; each place has its share of the values
            value = value * energies[0].numel() / leaf[0].numel() + self._rest['bases'][view.name](leaf, t)
        return handed_on(self.bound.loss_weight * value, leaf, view.at(self.place, gate)[0].flatten(0, -4))

    def _local(self, pair: str, images: Sequence[Sight], seen: Sight, s: Tensor) -> list[Tensor]:
        """Energies of the places of each of these, log Z(s) included where it is learned."""
        energies = [self.critics[pair].local(image, seen) for image in images]
        if self._estimator.normalised:
            b = self._rest['normalisers'][pair](s)[:, None, None]
            energies = [energy + b for energy in energies]
        return energies

    def _look(self, view: View, image: Tensor) -> Sight:
        return image if self._backbones is None else self._backbones[view.name](image, view.x)


class Normaliser(nn.Module):
    """b(s), which learns to be log Z(s): zero at first."""

    def __init__(self, channels: int, width: int = 8) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 3, stride=2, padding=1)
        self.head = nn.Linear(width, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, s: Tensor) -> Tensor:
        """(N,) of images (N, C, H, W)."""
        return self.head(nn.functional.silu(self.conv(s)).mean((2, 3))).squeeze(1)
