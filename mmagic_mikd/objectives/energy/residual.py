"""Contrastive divergence of an energy that corrects a closed form, with chains in that form's white noise."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..objective import View
from .langevin import langevin
from .objective import EnergyObjective

STEPS, STEP_SIZE = 10, 0.01
MOST_STEP_SIZE = 1.0  # the noise has a scale of 1


class ResidualEnergyObjective(EnergyObjective):
    """q(t|s) = q0(t|s) exp(-E(t, s)) / Z(s), q0 a closed form, E the sum of the critic's local energies.

    A chain walks in the white coordinates u of q0, t = s + colour(u), from a draw of q0: there one step size
    serves coefficients of all scales (VAEBM, Xiao et al., ICLR 2021, section 3.1). Its potential is
    -log p(u) + E. The scales of q0 are learned by maximum likelihood along with the critic.

    In u the normaliser is Z(s) = E_u exp(-E(s + colour(u), s)). So a chain's end moves with s, and the
    student's gradient is that of -log q0(t|s) + E(t, s) - E(s + r, s), with r = colour(u) a constant.

    Args:
        make_base: builds a closed form with ``white``, ``colour`` and ``potential``, such as HaarLaplaceLoss.
        chain: arguments of :func:`langevin`; the noise is sqrt(2 step_size), unless it is given.
    """

    def __init__(
        self, *given: Any, make_base: Callable[[], nn.Module], chain: Mapping[str, Any], **options: Any
    ) -> None:
        self._make_base, self._bases = make_base, nn.ModuleDict()
        step_size = chain.get('step_size', STEP_SIZE)
        matched = dict(steps=STEPS, step_size=step_size, noise_std=(2 * step_size) ** 0.5)
        super().__init__(*given, chain={**matched, **chain}, **options)
        self._start_name = 's + r'

    @property
    def network(self) -> nn.ModuleDict:
        return nn.ModuleDict(dict(critics=self.critics, bases=self._bases))

    def build(self, *sizes: int) -> None:
        super().build(*sizes)
        self._bases.update({pair: self._make_base() for pair in self._pairs})
        self._bases.to(self._noise.device)

    def energy(self, pair: str, t: Tensor, s: Tensor) -> Tensor:
        return self._bases[pair].energy(t, s) * t[0].numel() + self._correction(pair)(t, s)

    def _correction(self, pair: str) -> Callable[[Tensor, Tensor], Tensor]:
        return lambda t, s: self.critics[pair].local(t, s).flatten(1).sum(1)

    def _given(self, pair: str, s: Tensor) -> Callable[[Tensor], Tensor]:
        return lambda t: self._correction(pair)(t, s)

    def _critic_loss(self, view: View) -> Tensor:
        s, t, _ = self.constants(view)
        return super()._critic_loss(view) + self._bases[view.name](s.float(), t.float())

    def _sample(self, pair: str, t: Tensor, s: Tensor, frames: int) -> tuple[Tensor, Tensor, Tensor]:
        base, energy = self._bases[pair], self._watched(pair, s)

        def potential(u: Tensor) -> Tensor:
            return base.potential(u) + energy(s + base.colour(u))

        with torch.no_grad():
            u = base.white(s, self._noise)
            end = langevin(potential, u, value_range=None, generator=self._noise, **self._chain)
            start, end = s + base.colour(u), s + base.colour(end)
        return start, end, end

    def _raising(self, view: View, gate: Callable) -> Tensor:
        t, t_neg = self._samples.pop(view.name)
        s = view.at(self.place, gate)[0].flatten(0, -4).float()
        residual, energy = t_neg - s.detach(), self._correction(view.name)
        contrast = (energy(t, s) - energy(s + residual, s)).mean()
        # nats of an image, to those per value, which are the base's
        return self.bound.loss_weight * (self._bases[view.name](s, t) + contrast / s[0].numel())
