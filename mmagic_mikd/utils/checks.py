"""Values from a config: of the right kind and within their range, or one sentence that says what is wanted."""

import difflib
import math
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .errors import ConfigError


def require_number(
    name: str,
    value: Any,
    least: float = -math.inf,
    above: float = -math.inf,
    most: float = math.inf,
    whole: bool = False,
) -> None:
    """A finite number of at least ``least``, more than ``above``, at most ``most``; ``whole``: no fraction.

    Raises:
        ConfigError: it is something else; truth values and texts are no numbers.
    """
    kinds = int if whole else int | float
    fits = isinstance(value, kinds) and not isinstance(value, bool)
    if not (fits and math.isfinite(value) and above < value <= most and value >= least):
        limits = [f'at least {least}'] if least > -math.inf else []
        limits += [f'more than {above}'] if above > -math.inf else []
        limits += [f'at most {most}'] if most < math.inf else []
        kind = 'a whole number' if whole else 'a number'
        wanted = f'{kind} of {" and ".join(limits)}' if limits else kind
        raise ConfigError(f'{name}={short(value)} must be {wanted}')


def require_switch(name: str, value: Any) -> None:
    """True or False.

    Raises:
        ConfigError: it is something else; a text such as 'no' would count as true.
    """
    if not isinstance(value, bool):
        raise ConfigError(f'{name}={short(value)} must be True or False')


def require_range(name: str, value: Any) -> None:
    """Two finite numbers, of which the second is larger, or None.

    Raises:
        ConfigError: it is something else.
    """
    if value is None:
        return
    two = list(value) if isinstance(value, tuple | list) and len(value) == 2 else []
    numbers = [x for x in two if isinstance(x, int | float) and not isinstance(x, bool) and math.isfinite(x)]
    if len(numbers) != 2 or numbers[0] >= numbers[1]:
        raise ConfigError(f'{name}={short(value)} must be (lowest, highest), two numbers in that order')


def require_writable(name: str, path: Path) -> None:
    """A file that can be written, told before the work that it is for.

    Raises:
        ConfigError: it is a folder, or nothing can be put where it is to be.
    """
    if path.is_dir():
        raise ConfigError(f'{name} {path} is a folder: name a file in it')
    folder = next(each for each in path.absolute().parents if each.exists())
    problem = 'is no folder' if not folder.is_dir() else 'may not be written by you'
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError(f'{name} {path} cannot be written, because {folder} {problem}: name another place')


def require_known(name: str, keys: Iterable[str], known: Iterable[str]) -> None:
    """Only keys that somebody reads.

    Raises:
        ConfigError: one of ``keys`` is not among ``known``; a similar one is proposed.
    """
    known = list(known)
    for key in keys:
        if key not in known:
            raise ConfigError(f'{name} has no setting {key!r}: {proposal(str(key), known)}')


def proposal(word: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """What may have been meant by a misspelt word; else all that is known, or ``otherwise``."""
    known = list(known)
    spellings = {name.lower(): name for name in known}
    similar = difflib.get_close_matches(word.lower(), spellings, n=1)
    if similar:
        return f'did you mean {spellings[similar[0]]!r}?'
    return otherwise or f'choose from {", ".join(known)}'


def short(value: Any, length: int = 60) -> str:
    """A value as it stands in a config, on one line, cut where it is long."""
    return quoted(repr(value), length)


def quoted(text: object, length: int = 200) -> str:
    """What the toolbox or Python has said, within a sentence of ours: on one line, cut where it is long.

    Without colours, which PyTorch's exporter puts into its messages.
    """
    text = ' '.join(re.sub(r'\x1b\[[0-9;]*m', '', str(text)).split())
    return text if len(text) <= length else f'{text[: length - 3]}...'


def last_line(text: object) -> str:
    """Of a message of several lines, such as torch's on weights that do not fit, the one that says most."""
    return next((line.strip() for line in reversed(str(text).splitlines()) if line.strip()), '')


def require_kind(name: str, value: Any, kind: type | tuple[type, ...], wanted: str) -> None:
    """An instance of ``kind``, described by ``wanted``, or None.

    Raises:
        ConfigError: it is something else.
    """
    if value is not None and not isinstance(value, kind):
        raise ConfigError(f'{name}={short(value)} must be {wanted}')
