"""Why a config file cannot be read, in one sentence with the remedy."""

import os
import re
from pathlib import Path

from ...utils.checks import quoted

# MMEngine's sentence, whose beginning repeats the whole value
NOT_MERGED = re.compile(
    r"(\w+)=.* cannot inherit from base because .* of type <class '(?:.*\.)?(\w+)'>", re.DOTALL
)


def about_reading(name: str, error: BaseException) -> str:
    """The sentence about what reading the config file ``name``, a program of the user's, ended with."""
    if isinstance(error, TypeError) and (found := NOT_MERGED.match(str(error))):
        key, kind = found.groups()
        wanted = 'write a list' if kind in ('list', 'tuple') else 'correct it'
        return (
            f'{name} cannot be read as a config: {key} is a dict, and of type {kind} in the base, so '
            f'nothing can be merged: give it _delete_=True to replace that, or {wanted}'
        )
    error = _first(error)
    reason = f'{type(error).__name__}: {quoted(error)}'
    missing = error.name if isinstance(error, ModuleNotFoundError) and error.name else ''
    beside = Path(name).resolve().parent / missing.partition('.')[0]
    if missing and (beside.is_dir() or beside.with_suffix('.py').is_file()):
        folder = os.path.relpath(beside.parent)
        return (
            f'{name} cannot be read as a config ({reason}): it lies in {folder}, so set PYTHONPATH={folder}'
        )
    remedy = 'install it, or correct the name' if missing else 'correct it there'
    return f'{name} cannot be read as a config ({reason}): {remedy}'


def _first(error: BaseException) -> BaseException:
    """What made an import fail; MMEngine raises two more errors about it, which say less."""
    while isinstance(error, ImportError) and (cause := error.__cause__ or error.__context__):
        error = cause
    return error
