"""The variational bound on the mutual information of teacher and student, with an energy-based q(t|s)."""

import math
from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from ...utils.checks import require_number
from ...utils.schema import one_of
from .estimators import ESTIMATORS
from .negatives import NEGATIVES
from .published import ENERGY_L2, LOSS_WEIGHT

LANGEVIN = 'langevin'

Critic = Callable[[Tensor, Tensor], Tensor]


class Energies(NamedTuple):
    """E(t, s) and E(t~, s), each of shape (N,)."""

    t: Tensor
    t_neg: Tensor


def pair_energies(critic: Critic, t: Tensor, s: Tensor, t_neg: Tensor) -> Energies:
    """Both energies from one evaluation of the critic on a batch of 2 N pairs."""
    return Energies(*critic(torch.cat([t, t_neg]), torch.cat([s, s])).chunk(2))


class MIDistillLoss(nn.Module):
    """I(T;S) >= H(T) + E[log q(t|s)] (Barber and Agakov), q(t|s) = exp(-E(t, s)) / Z(s).

    VEM (Kang et al., NeurIPS 2022). The critic tightens the bound, the student raises it; in both
    gradients log Z(s) becomes the energy of a sample t~ ~ q(.|s).

    Args:
        loss_weight: lambda, the weight in the student's loss. At 0 the critic still learns and nothing
            reaches the student.
        energy_l2: c, the weight of the squared energies in the critic's loss, whose floor is -1/(2c).
        estimator: how the energy is learned: 'langevin' as published, which is contrastive divergence with a
            short chain, or without one, a name in :data:`estimators.ESTIMATORS`.
        negatives: names in :data:`negatives.NEGATIVES`, what pairs are told from; not of 'langevin'.

    Raises:
        ConfigError: a weight is no number or negative, or a name is not known.
    """

    image_range: ClassVar[tuple[float, float]] = (-1.0, 1.0)  # for which steps of a chain are published
    cannot_have: ClassVar[dict] = dict(
        adapter='is for what compares features',
        layer='is for what compares features; an energy sees those of a `backbone`',
        mask='would make images that an energy tells from its samples by their zeros',
    )

    def __init__(
        self,
        loss_weight: float = LOSS_WEIGHT,
        energy_l2: float = ENERGY_L2,
        estimator: str = LANGEVIN,
        negatives: Sequence[str] = ('shuffled', 'moved'),
    ) -> None:
        super().__init__()
        require_number('MIDistillLoss: loss_weight', loss_weight, least=0)
        require_number('MIDistillLoss: energy_l2', energy_l2, least=0)
        one_of(LANGEVIN, *ESTIMATORS)('MIDistillLoss: estimator', estimator)
        negatives = [negatives] if isinstance(negatives, str) else list(negatives)
        for each in negatives or [None]:
            one_of(*NEGATIVES)('MIDistillLoss: negatives', each)
        self.loss_weight = loss_weight
        self.energy_l2 = energy_l2
        self.estimator, self.negatives = estimator, negatives

    @property
    def critic_floor(self) -> float:
        """The least that ``critic_loss`` can be: at energies of -1/(2c) and 1/(2c)."""
        return -1 / (2 * self.energy_l2) if self.energy_l2 else -math.inf

    def critic_loss(self, critic: Critic, t: Tensor, s: Tensor, t_neg: Tensor) -> tuple[Tensor, Energies]:
        """mean E(t, s) - mean E(t~, s) + c mean(E(t, s)^2 + E(t~, s)^2), with t, s and t~ constants."""
        energies = pair_energies(critic, t.detach(), s.detach(), t_neg.detach())
        contrast = (energies.t - energies.t_neg).mean()
        return contrast + self.energy_l2 * (energies.t**2 + energies.t_neg**2).mean(), energies

    def forward(self, critic: Critic, t: Tensor, s: Tensor, t_neg: Tensor) -> Tensor:
        """lambda (mean E(t, s) - mean E(t~, s)), differentiable in s only; freeze the critic around it.

        Each energy is an estimate of -log q up to log Z(s), whose gradient is that of -E(t~, s).
        """
        energies = pair_energies(critic, t.detach(), s, t_neg.detach())
        return self.loss_weight * (energies.t - energies.t_neg).mean()
