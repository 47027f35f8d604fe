"""What sets two configs apart: a run's and the base that it inherits, or those of two runs."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ...utils.errors import ConfigError
from ..clone import CLONE
from ..launch.launch import read_config
from .runs import Run

# of a run, and not of what it trains
PLACES = {'work_dir', 'experiment_name', 'launcher', 'log_level', 'resume', 'default_scope', 'cfg_name'}
NOTHING = object()
LONGEST = 120  # characters of a dict that is shown in one line
FEW = 3  # settings that may set a model apart from one that it is said to be


class Change(NamedTuple):
    """A setting by its dotted key; '' where a config has it not."""

    key: str
    before: str
    after: str


class Base(NamedTuple):
    """What a config file names as its bases, joined."""

    names: str
    values: dict


def differences(before: Mapping, after: Mapping) -> list[Change]:
    """All settings that differ; what only one of them has is shown at the highest key that is short enough."""
    before, after = (
        {key: value for key, value in values.items() if key not in PLACES} for values in (before, after)
    )
    models = {'`model` of the other': before.get('model'), '`model`': after.get('model')}
    return list(_changes('', before, after, {name: model for name, model in models.items() if model}))


def _changes(key: str, before: Any, after: Any, models: Mapping[str, Mapping]) -> Iterator[Change]:
    if _same(before, after):
        return
    parts = [_parts(value) for value in (before, after)]
    gone = [value is NOTHING for value in (before, after)]
    old, new = '' if gone[0] else repr(before), '' if gone[1] else repr(after)
    new = _told(after, models) if gone[0] else new
    whole = any(gone) and len(old + new) <= LONGEST
    opened = all(part is not None or missing for part, missing in zip(parts, gone, strict=True))
    if key and (whole or not opened):
        yield Change(key, old, new)
        return
    was, has = (part or {} for part in parts)
    for name in {**was, **has}:
        inner = f'{key}{name}' if name.startswith('[') or not key else f'{key}.{name}'
        yield from _changes(inner, was.get(name, NOTHING), has.get(name, NOTHING), models)


def _same(before: Any, after: Any) -> bool:
    """Of values that have no parts; 1 is not True."""
    return _parts(before) is None and type(before) is type(after) and before == after


def _parts(value: Any) -> dict | None:
    """Of a dict, and of a list that has dicts; None of what is compared as it is."""
    if isinstance(value, Mapping):
        return {str(key): each for key, each in value.items()}
    if isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        return {f'[{index}]': each for index, each in enumerate(value)}
    return None


def _told(value: Any, models: Mapping[str, Mapping]) -> str:
    """A value; a model, such as the teacher's, by what sets it apart from one that is known."""
    text = repr(value)
    if len(text) > LONGEST and isinstance(value, Mapping):
        for name, model in models.items():
            changes = list(_changes('', model, value, {}))
            if len(changes) <= min(FEW, len(model) - 1):
                but = '; '.join(f'{change.key}={change.after or None}' for change in changes)
                return f'as {name}, but {but}' if but else f'as {name}'
    return text


def base_of(run: Run) -> Base | None:
    """What the config file of a run inherits, as it is now; None where that file is not to be found.

    The toolbox saves configs joined with their bases, so the file is the one that the log's command names,
    else the only one of its name among those of the clone.
    """
    source = _source(run)
    if source is None:
        return None
    names = _bases(source)
    values: dict = {}
    try:
        for name in names:
            values |= read_config(name if '::' in name else str(source.parent / name)).to_dict()
    except ConfigError:  # which has been moved since
        return None
    return Base(', '.join(names), values) if names else None


def _source(run: Run) -> Path | None:
    folder, arguments = run.log.started or (Path(), [])
    given = next((folder / word for word in arguments if word.endswith('.py')), None)
    if given:
        return given if given.is_file() else None
    found = list((CLONE / 'configs').rglob(run.config_file.name)) if CLONE else []
    return found[0] if len(found) == 1 else None


def _bases(path: Path) -> list[str]:
    """What `_base_` says, read and not run."""
    try:
        body = ast.parse(path.read_text()).body
        for node in body:
            if isinstance(node, ast.Assign) and any(getattr(t, 'id', '') == '_base_' for t in node.targets):
                value = ast.literal_eval(node.value)
                return [value] if isinstance(value, str) else [str(name) for name in value]
    except (OSError, SyntaxError, ValueError):
        pass
    return []
