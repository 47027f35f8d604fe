"""The widest student that a budget of parameters, multiply-accumulates or milliseconds allows."""

import bisect
import copy
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from mmengine.registry import MODELS
from torch import nn

from mikd.arguments.build_student import UNITS

from ...cost.complexity import Complexity, complexity
from ...deploy.form import Deployed
from ...deploy.speed import in_turn
from ...utils.errors import ConfigError
from .widths import Narrowing

ROUNDS = 7  # of timed calls
TOLERANCE = 0.01  # budgets are quoted from tables, where 3.404 M stands as 3.4 M


class Budget(NamedTuple):
    """How much of something is allowed: a field of :class:`Complexity`, or 'ms' of a call on this machine."""

    field: str
    amount: float

    @property
    def unit(self) -> str:
        names = dict(params='parameters', macs='MACs', macs_paper='MACs as papers count', ms='ms a call here')
        return names[self.field]


class Sizes:
    """Cost of the narrower versions of a generator, each counted once, without computing an image.

    Args:
        narrowing: the versions.
        shape: of one input, without the batch.
        defaults: what the model passes on to its generator, such as ``noise_size``.
    """

    def __init__(self, narrowing: Narrowing, shape: tuple[int, ...], defaults: dict | None = None) -> None:
        self.narrowing, self._shape, self._defaults = narrowing, shape, defaults or {}
        self.at = functools.cache(self._at)
        self.milliseconds = functools.cache(self._milliseconds)

    def of(self, budget: Budget, width: int) -> float:
        """What this width takes of what the budget is of."""
        return self.milliseconds(width) if budget.field == 'ms' else getattr(self.at(width), budget.field)

    def _milliseconds(self, width: int) -> float:
        """The median of a call on one image, by PyTorch, in the form that ships."""
        network, x = self._network_and_input(width, 'cpu')
        network, x = Deployed(network, 'frozen'), torch.zeros_like(x)
        with torch.inference_mode():
            return in_turn(dict(student=lambda: network(x)), ROUNDS)['student'].median

    def _at(self, width: int) -> Complexity:
        return self._without_values(width, complexity)

    def _without_values(self, width: int, function: Callable) -> Any:
        try:
            return function(*self._network_and_input(width, 'meta'))
        except NotImplementedError:  # DCGAN sends its noise to a device by itself
            return function(*self._network_and_input(width, 'cpu'))

    def _network_and_input(self, width: int, device: str) -> tuple[nn.Module, torch.Tensor]:
        cfg = copy.deepcopy(self.narrowing.config(width))
        with torch.device(device), MODELS.switch_scope_and_registry('mmagic') as registry:
            return registry.build(cfg, default_args=self._defaults), torch.empty(1, *self._shape)


def widest_within(sizes: Sizes, budget: Budget) -> int:
    """The largest width whose cost is at most the budget, which 1 % more still meets.

    Raises:
        ConfigError: even the narrowest costs more, or the full generator does not; names the nearest.
    """

    def cost(width: int) -> float:
        return sizes.of(budget, width)

    widths, full = sizes.narrowing.widths, sizes.narrowing.full
    wanted = f'{amount(budget.amount)} {budget.unit}'
    if cost(full) <= budget.amount:
        raise ConfigError(
            f'a budget of {wanted} is no compression: the teacher has {amount(cost(full))}; the nearest '
            f'student, of width {widths[-1]} in place of {full}, has {amount(cost(widths[-1]))}'
        )
    limit = budget.amount * (1 + TOLERANCE)
    if cost(widths[0]) > limit:
        raise ConfigError(
            f'a budget of {wanted} cannot be reached by narrowing this generator: the nearest student, '
            f'of width {widths[0]}, has {amount(cost(widths[0]))}; take that much, or another generator'
        )
    return widths[bisect.bisect_right(widths, limit, key=cost) - 1]


def amount(value: float) -> str:
    """'3.404 M'; four digits."""
    for unit in ('G', 'M', 'k'):
        if value >= UNITS[unit]:
            return f'{value / UNITS[unit]:.4g} {unit}'
    return f'{value:.4g}'
