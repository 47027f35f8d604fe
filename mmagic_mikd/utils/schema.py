"""Settings as a table, from each option to what it may be; whoever reads a config declares one and checks.

A check is a function of the option's key and its value that raises one sentence or returns nothing.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from .checks import require_kind, require_known, require_number, short
from .errors import ConfigError

Check = Callable[[str, Any], None]
Table = Mapping[str, Check]


def check(key: str, given: Any, table: Table, closed: bool = False) -> None:
    """The settings at ``key`` against a table; ``closed``: it knows all that there are.

    Raises:
        ConfigError: they are no dict, hold what nobody reads, or a value that cannot be.
    """
    a_dict(key, given)
    if closed:
        require_known(key, given, table)
    for option, value in given.items():
        if option in table:
            table[option](f'{key}.{option}', value)


# ---- what an option may be ----------------------------------------------------------------------


def number(**limits: Any) -> Check:
    """See :func:`require_number`."""
    return partial(_number, limits)


def kind(kinds: type | tuple[type, ...], wanted: str) -> Check:
    """An instance of ``kinds``; None is none."""
    return partial(_kind, kinds, wanted)


def optional(inner: Check) -> Check:
    """None, or what ``inner`` wants."""
    return partial(_optional, inner)


def one_of(*values: Any) -> Check:
    """One of a few values."""
    return partial(_one_of, values)


def table(inner: Table, closed: bool = False) -> Check:
    """A dict, whose options have a table of their own."""
    return lambda key, given: check(key, given, inner, closed)


def each(inner: Check) -> Check:
    """A list of what ``inner`` wants."""
    return partial(_each, inner)


def a_type(key: str, value: Any) -> None:
    """What a registry builds from: a name, or the class itself."""
    if not value or not (isinstance(value, str) or callable(value)):
        raise ConfigError(f'{key}={short(value)} must be the name of a registered class')


def interval(key: str, value: Any) -> None:
    """Two numbers, the first below the second."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise ConfigError(f'{key}={short(value)} must be (lowest, highest)')
    require_number(key, value[0])
    require_number(key, value[1], above=value[0])


def _number(limits: Mapping, key: str, value: Any) -> None:
    require_number(key, value, **limits)


def _kind(kinds: type | tuple[type, ...], wanted: str, key: str, value: Any) -> None:
    if value is None:
        raise ConfigError(f'{key}=None must be {wanted}')
    require_kind(key, value, kinds, wanted)


def _optional(inner: Check, key: str, value: Any) -> None:
    if value is not None:
        inner(key, value)


def _one_of(values: tuple, key: str, value: Any) -> None:
    if not any(type(value) is type(known) and value == known for known in values):
        names = [repr(known) for known in values]
        raise ConfigError(f'{key}={short(value)} must be {", ".join(names[:-1])} or {names[-1]}')


def _each(inner: Check, key: str, value: Any) -> None:
    _kind((list, tuple), 'a list', key, value)
    for index, entry in enumerate(value):
        inner(f'{key}[{index}]', entry)


a_dict = kind(Mapping, 'a dict')
a_path = kind(str, 'the path of a module')
