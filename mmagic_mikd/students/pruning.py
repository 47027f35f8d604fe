"""Which channels of a teacher its narrower student keeps: one index set for all axes that share it."""

import re
from collections import defaultdict
from collections.abc import Callable

import torch
from torch import Tensor

from ..utils.errors import ConfigError
from .units import Axis, Units

Choose = Callable[[list[int], int], list[int]]  # (units of a group, how many to keep) -> these, in order

# of a weight that is normalised as a whole, of which no part is known under any start
WHOLE = re.compile(r'(^|\.)(weight_[uvg]|parametrizations\..*)$')
REMEDY = "start layers that are known, each by its path, as 'sliced', or leave `start` out"


class IndexSets:
    """For each axis of a student's weights, which entries of its teacher's it keeps.

    Attributes:
        groups: units of the teacher that stand on the same axes, and how many of them the student has.

    Args:
        student, teacher: the units of both.
        choose: of a group, the units that are kept.

    Raises:
        ConfigError: the student has more channels somewhere, or a number of channels cannot change.
    """

    def __init__(self, student: Units, teacher: Units, choose: Choose) -> None:
        common = [axis for axis in student.axes if axis in teacher.axes]
        mine, theirs = _groups(student, common), _groups(teacher, common)
        kept: dict[int, int] = {}  # unit of the student -> that of the teacher
        self.groups: list[tuple[list[int], int]] = []
        for axis in common:
            pairs = zip(_along(axis, student, mine), _along(axis, teacher, theirs), strict=False)
            for units, wide in pairs:
                if units[0] not in kept:
                    _require_fewer(axis, units, wide, teacher)
                    self.groups.append((wide, len(units)))
                    kept.update(zip(units, choose(wide, len(units)), strict=True))
        self._entries = {
            axis: _entries(axis, student.axes[axis], teacher.axes[axis], kept) for axis in common
        }

    def along(self, name: str, dimension: int) -> Tensor | None:
        """Entries of the teacher's axis that the student keeps, in order; None if nothing is known of it."""
        return self._entries.get((name, dimension))

    def of(self, name: str, wide: Tensor, shape: torch.Size) -> Tensor:
        """The part of a teacher's weight that its student has.

        Raises:
            ConfigError: the sizes differ, and nothing is known of that axis.
        """
        for dimension in range(wide.dim()):
            kept = self.along(name, dimension)
            if kept is not None:
                wide = wide.index_select(dimension, kept.to(wide.device))
            elif wide.shape[dimension] != shape[dimension]:
                remedy = 'leave `start` out' if WHOLE.search(name) else REMEDY
                raise ConfigError(
                    f'nothing is known of the channels along {_named((name, dimension))}, '
                    f'{wide.shape[dimension]} in the teacher and {shape[dimension]} in the student: {remedy}'
                )
        return wide


def _groups(units: Units, common: list[Axis]) -> dict[int, list[int]]:
    """Each unit -> those that stand on the same axes, in their order along them."""
    places: dict[int, set[Axis]] = defaultdict(set)
    for axis in common:
        for unit in units.axes[axis].tolist():
            places[unit].add(axis)
    places.pop(-1, None)
    groups: dict[tuple, list[int]] = defaultdict(list)
    for unit, axes in places.items():
        groups[frozenset(units.heads.get(unit, ())), frozenset(axes)].append(unit)
    return {unit: members for members in groups.values() for unit in members}


def _along(axis: Axis, units: Units, groups: dict[int, list[int]]) -> list[list[int]]:
    """The groups that an axis holds, in order."""
    return list({groups[unit][0]: groups[unit] for unit in units.axes[axis].tolist() if unit >= 0}.values())


def _require_fewer(axis: Axis, units: list[int], wide: list[int], teacher: Units) -> None:
    if len(units) > len(wide):
        raise ConfigError(f'the student has more channels than its teacher along {_named(axis)}: {REMEDY}')
    reason = next((teacher.mixed[unit] for unit in wide if unit in teacher.mixed), None)
    if reason and len(units) < len(wide):
        raise ConfigError(f'the channels along {_named(axis)} cannot become fewer ({reason}): {REMEDY}')


def _entries(axis: Axis, student: Tensor, teacher: Tensor, kept: dict[int, int]) -> Tensor:
    """Places along the teacher's axis; a unit that comes several times gives its places in order."""
    places: dict[int, list[int]] = defaultdict(list)
    for place, unit in enumerate(teacher.tolist()):
        places[unit].append(place)
    found = []
    for unit in student.tolist():
        wanted = places[kept.get(unit, -1)]
        if not wanted:
            raise ConfigError(f'teacher and student differ in what they join along {_named(axis)}: {REMEDY}')
        found.append(wanted.pop(0))
    return torch.tensor(found, dtype=torch.long)


def _named(axis: Axis) -> str:
    return f'dimension {axis[1]} of {axis[0]!r}'
