"""What of an iteration may be a symptom: noted on the device, nothing here waits for it."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from ..objectives.objective import Objective
from .gate import admitted, passed
from .symptoms import MODEL, Signs

FAR, FAR_SHARE = 1.0, 0.1  # half the width of the images' range [-1, 1], reached by this share of the values
NEAR_FLOOR = 0.95


class Watch:
    """Notes what it is shown in ``signs``, and keeps an objective's gradient from the student where it must.

    Args:
        acts: whether the policy of a trip does more than to warn.
        max_gradient_ratio: of a learned energy's gradient at the student's image to that of all other losses.
    """

    def __init__(self, acts: Callable[[str], bool], max_gradient_ratio: float) -> None:
        self.signs, self._acts, self._max_ratio = Signs(), acts, max_gradient_ratio

    def model(self, loss: Tensor, students: Sequence[Tensor], teachers: Sequence[Tensor]) -> None:
        """The loss of the model itself, and the images as the networks made them."""
        self.signs.note(MODEL, 'base', ~_all_finite(loss, *students))
        self.signs.note(MODEL, 'teacher', ~_all_finite(loss.new_zeros(()), *teachers))

    def learning(self, objective: Objective, loss: Tensor) -> None:
        """What it is about to learn from, and the chains that this was made of."""
        note = partial(self.signs.note, objective.name)
        energies = [energy for chain in objective.chains.values() for energy in chain.energies]
        note('learning', ~_all_finite(loss, *energies))
        for chain in objective.chains.values():
            finite = _all_finite(chain.end)
            left = (_outside(chain.end) - _outside(chain.start) > FAR).float().mean()
            note('chain', ~finite)
            note('far', finite & (left > FAR_SHARE), left)
            note('floor', chain.loss < NEAR_FLOOR * chain.floor, chain.loss)

    def value(self, objective: Objective, value: Tensor) -> None:
        """Its part of the student's loss."""
        self.signs.note(objective.name, 'value', ~_all_finite(value))

    def gated(
        self,
        objective: Objective,
        look: Callable[[Tensor, Tensor], None],
        s: Tensor,
        on_all: Callable,
        ratio: float | None = None,
    ) -> Tensor:
        """What the student made, behind a gate for the objective's gradient.

        Args:
            look: gets, in the backward pass, the norms of that gradient and of all others'.
            on_all: registers a function of the whole gradient that arrives at ``s``.
            ratio: to which the objective's gradient is brought; None leaves it as it is.
        """

        def admits(part: Tensor, rest: Tensor) -> Tensor:
            look(part, rest)
            return self.admits(objective, part, rest)

        if objective.waits:
            return admitted(s, admits, ratio)
        return passed(s, admits, on_all, strict=self._acts('non_finite'), ratio=ratio)

    def admits(self, objective: Objective, part: Tensor, rest: Tensor) -> Tensor:
        """May a gradient of norm ``part`` join the other losses'?"""
        # if both are infinite, a loss scale is too large, which the toolbox deals with
        broken = ~part.isfinite() & rest.isfinite()
        self.signs.note(objective.name, 'gradient', broken)
        if not objective.waits:  # it has passed already
            return ~broken
        # where the other losses give nothing, there is nothing to overwhelm
        overwhelms = (part > self._max_ratio * rest) & (rest > 0) & ~broken
        self.signs.note(objective.name, 'overwhelms', overwhelms, part / rest)
        return ~(broken & self._acts('non_finite') | overwhelms & self._acts('gradient'))


def _all_finite(*tensors: Tensor) -> Tensor:
    return torch.stack([tensor.detach().isfinite().all() for tensor in tensors]).all()


def _outside(image: Tensor) -> Tensor:
    """How far each value is from the range of images."""
    return image.detach().abs().sub(1).clamp(min=0)
