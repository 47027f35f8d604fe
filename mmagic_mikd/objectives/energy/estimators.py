"""How an energy is learned from pairs and from what is no pair, and what of it reaches the student.

Energies are local: (N, h, w) of the places of an image, each a density ratio of what is seen there. That of a
whole image is hundreds of nats, which no classifier can estimate (Rhodes et al., "Telescoping density-ratio
estimation", NeurIPS 2020). All model q(t|s) = q0 exp(-E) / Z(s), where q0 is the density of the negatives:
the base, or p(t) for images of other samples. That of moved images depends on s; see
:class:`contrastive.ContrastiveObjective`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

Value = Callable[
    [Tensor, Sequence[Tensor]], Tensor
]  # energies of pairs, and of each kind of negatives -> scalar
MOST = 10.0  # nats of one place, beyond which an exponential would rule the batch


class Estimator(NamedTuple):
    """``learning`` is what the critic lowers, ``raising`` what the student does, with the critic a constant.

    ``two_terms``: whether the student needs the energies of negatives, too. ``normalised``: whether a log Z(s)
    has to be learned beside E.
    """

    learning: Value
    raising: Value
    two_terms: bool = False
    normalised: bool = False


def nce(t: Tensor, negatives: Sequence[Tensor]) -> Tensor:
    """Noise-contrastive estimation: mean of -log sigmoid(-E(t)) - log sigmoid(E(t~)).

    Gutmann and Hyvarinen, AISTATS 2010, equation 3 for as many noise samples as data. Its best E is
    -log q / q0, with log Z(s) within it.
    """
    return F.softplus(t).mean() + sum(F.softplus(-each).mean() for each in negatives) / len(negatives)


def ranking(t: Tensor, negatives: Sequence[Tensor]) -> Tensor:
    """Ranking: -log of the share of exp(-E(t)) among all; Ma and Collins, EMNLP 2018, equation 4.

    It knows E up to a c(s), so that a student needs both terms: this value itself, in which c(s) cancels. The
    negatives are constants, so it is not for draws of a base, which move with s: log Z(s) would lack that part.
    """
    logits = -torch.stack([t, *negatives])
    return (logits.logsumexp(0) - logits[0]).mean()


def likelihood(t: Tensor, negatives: Sequence[Tensor]) -> Tensor:
    """Self-normalised likelihood: mean E(t) + mean exp(-E(t~)) - 1, with b(s) in E (arXiv 2503.07021).

    -log q / q0 is at most this, and equal to it at b(s) = log Z(s).
    """
    ratios = sum((-each).clamp(max=MOST).exp().mean() for each in negatives) / len(negatives)
    return t.mean() + ratios - 1


def energy(t: Tensor, negatives: Sequence[Tensor]) -> Tensor:
    """mean E(t, s): one term, because E holds log Z(s) already."""
    return t.mean()


ESTIMATORS = dict(
    nce=Estimator(nce, energy),
    ranking=Estimator(ranking, ranking, two_terms=True),
    likelihood=Estimator(likelihood, energy, normalised=True),
)
