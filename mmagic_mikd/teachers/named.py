"""One teacher, or several by name."""

from collections.abc import Mapping

from torch import nn

from ..utils.checks import proposal
from ..utils.errors import ConfigError

Teacher = nn.Module | Mapping
DESCRIBING = ('model', 'config', 'type', 'online')  # one of these keys says what network a teacher is


def teachers_of(teacher: Teacher | None) -> dict[str, Teacher | None]:
    """The settings of each teacher by its name; an only one has the name ''."""
    if not isinstance(teacher, Mapping) or not teacher or any(key in teacher for key in DESCRIBING):
        return {'': teacher}
    return dict(teacher) if all(map(_is_one, teacher.values())) else {'': teacher}


def labelled(teacher: Teacher | None) -> dict[str, Teacher]:
    """The settings of each teacher by what tables and pages call it: 'teacher', of several 'teacher NAME'."""
    found = teachers_of(teacher) if teacher else {}
    return {f'teacher {name}' if len(found) > 1 else 'teacher': each for name, each in found.items()}


def require_named(key: str, name: str | None, teacher: Teacher | None, where: str) -> None:
    """Whether there is a teacher of the name that stands at ``key``; None stands for all.

    Args:
        where: the key of the teachers.

    Raises:
        ConfigError: there is none.
    """
    names = list(filter(None, teachers_of(teacher)))
    if name is not None and name not in names:
        alone = None if names else f'{where} is one without a name: leave it out'
        raise ConfigError(f'{key}={name!r} is no teacher: {proposal(name, names, alone)}')


def _is_one(value: object) -> bool:
    return isinstance(value, nn.Module) or (
        isinstance(value, Mapping) and any(k in value for k in DESCRIBING)
    )
