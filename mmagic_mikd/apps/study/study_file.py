"""The file of a study: read, joined with its base, checked."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from ...engine.schema import by_layer
from ...teachers.named import teachers_of
from ...utils.checks import quoted, require_kind, require_number, require_switch, short
from ...utils.errors import ConfigError

TEACHER = 'teacher'
REQUIRED = {'config', 'iterations', 'seeds', 'scores', 'best', 'students', 'objectives'}
TEACHER_KEYS = {'iterations', 'seed', 'overrides', 'checkpoint', 'cache'}
OPTIONAL = {'base', 'teacher', 'evaluations', 'decay', 'against_teacher', 'overrides', 'data'}
OF_CELL = ('overrides', 'iterations')  # of an objective; the rest is of `default_hooks.distill`
PATHS = ('config', 'data')  # relative to the file that states them
DIRECTIONS = ('higher', 'lower')


def read_study(path: Path) -> dict:
    """What a study says, joined with its base and checked.

    Raises:
        ConfigError: the file does not exist or says something that cannot be.
    """
    spec = _load(path)
    if 'base' in spec:
        name = str(spec.pop('base'))
        base = _load(path.parent / name)
        if 'base' in base:
            raise ConfigError(f'{path}: base={name} has a base itself: name that one')
        spec = _merged(_seen_from(path.parent, path.parent / name, base), spec)
    _check_keys(path, spec)
    _check_values(path, spec)
    spec['objectives'] = {name: _objective(path, name, given) for name, given in spec['objectives'].items()}
    return spec


def _seen_from(folder: Path, path: Path, spec: dict) -> dict:
    """What the study at ``path`` says, with its paths as they are from another folder."""
    found = {key: path.parent / spec[key] for key in PATHS if isinstance(spec.get(key), str)}
    return spec | {
        key: str(place) if Path(spec[key]).is_absolute() else os.path.relpath(place, folder)
        for key, place in found.items()
    }


def _load(path: Path) -> dict:
    if not path.is_file():
        raise ConfigError(f'there is no study {path}: correct the path')
    try:
        spec = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise ConfigError(f'{path} cannot be read as YAML ({quoted(error)}): correct it there') from error
    if not isinstance(spec, dict):
        raise ConfigError(f'{path} holds no keys: see benchmarks/studies/README.md')
    return spec


def _merged(base: object, changes: object) -> object:
    """What a study says, with the changes of one that builds on it: keys join, all else is replaced."""
    if not (isinstance(base, dict) and isinstance(changes, dict)):
        return changes
    return {**base, **{key: _merged(base.get(key), value) for key, value in changes.items()}}


def _check_keys(path: Path, spec: dict) -> None:
    for name in spec.keys() - REQUIRED - OPTIONAL:
        raise ConfigError(f'{path}: unknown key {name!r}; there are {_list(REQUIRED | OPTIONAL)}')
    for name in sorted(REQUIRED - spec.keys()):
        raise ConfigError(f'{path}: {name} is missing: add it')
    for name in (spec.get('teacher') or {}).keys() - TEACHER_KEYS:
        raise ConfigError(f'{path}: unknown key teacher.{name}; there are {_list(TEACHER_KEYS)}')
    for name in ('students', 'objectives', 'scores'):
        if not isinstance(spec[name], dict) or not spec[name]:
            raise ConfigError(f'{path}: {name} must be a list of names with their settings')
    for name in (TEACHER, *(n for n in (*spec['students'], *spec['objectives']) if not _plain(n))):
        if name in spec['students'] or name in spec['objectives']:
            raise ConfigError(f'{path}: {name!r} cannot be the name of a student or an objective')
    if not isinstance(spec['best'], dict) or len(spec['best']) != 1:
        raise ConfigError(
            f'{path}: best={spec["best"]} must name one score of val_evaluator: {{NAME: higher}}'
        )
    for key in ('scores', 'best'):
        for name, direction in spec[key].items():
            if direction not in DIRECTIONS:
                raise ConfigError(f"{path}: {key}.{name} must be 'higher' or 'lower' (which is better)")


def _check_values(path: Path, spec: dict) -> None:
    """Numbers, and texts and dicts where those are wanted."""
    require_kind(f'{path}: config', spec['config'], str, 'the path of a config')
    require_kind(f'{path}: data', spec.get('data'), str, 'the path of a folder')
    teacher = spec.get('teacher') or {}
    require_number(f'{path}: iterations', spec['iterations'], least=1, whole=True)
    require_number(f'{path}: evaluations', spec.get('evaluations', 1), least=1, whole=True)
    require_number(f'{path}: decay', spec.get('decay', 1), least=0, most=1)
    require_number(f'{path}: teacher.iterations', teacher.get('iterations', 1), least=1, whole=True)
    require_switch(f'{path}: teacher.cache', teacher.get('cache', False))
    require_number(f'{path}: teacher.seed', teacher.get('seed', 0), least=0, whole=True)
    seeds = spec['seeds']
    if not isinstance(seeds, list) or not seeds:
        raise ConfigError(f'{path}: seeds={short(seeds)} must be a list of numbers, such as [0, 1, 2]')
    for seed in seeds:
        require_number(f'{path}: seeds', seed, least=0, whole=True)
        if seeds.count(seed) > 1:
            raise ConfigError(f'{path}: seeds has {seed} more than once: name each once')
    changes = {'overrides': spec.get('overrides'), 'teacher.overrides': teacher.get('overrides')}
    changes |= {f'students.{name}': settings for name, settings in spec['students'].items()}
    for key, value in changes.items():
        require_kind(f'{path}: {key}', value, dict, 'changes by dotted key')


def _objective(path: Path, name: str, given: object) -> dict | None:
    """Settings of `default_hooks.distill`; a text is the name of a recipe."""
    if isinstance(given, str):
        return dict(recipe=given)
    where = f'{path}: objectives.{name}'
    require_kind(where, given, dict, 'a dict, or the name of a recipe')
    settings = given or {}
    if 'type' in settings:
        raise ConfigError(f'{where}.type is set by the study: leave it out')
    if 'teacher' in settings and not _is_online(settings['teacher']):
        raise ConfigError(
            f'{where}.teacher is set by the study: leave it out, or name networks that the cell itself trains, '
            'such as {wide: {online: teacher_generators.wide}}'
        )
    require_kind(f'{where}.overrides', settings.get('overrides'), dict, 'changes by dotted key')
    if 'iterations' in settings:
        require_number(f'{where}.iterations', settings['iterations'], least=1, whole=True)
    return given


def _is_online(teacher: object) -> bool:
    """Whether all that is learned from are networks of the cell's own model."""
    named = teachers_of(teacher).values()
    return all(isinstance(one, Mapping) and 'online' in one for one in named)


def distillation(settings: dict | None) -> dict:
    """What of an objective's settings is for `default_hooks.distill`."""
    return {key: value for key, value in (settings or {}).items() if key not in OF_CELL}


def sources(learned: dict) -> list[dict]:
    """The networks other than the teacher of which starts in these settings take channels, with their files."""
    starts = by_layer(learned.get('start') or {}).values()
    found = [start.get('source') for start in starts if isinstance(start, dict)]
    return [source for source in found if isinstance(source, dict) and source.get('checkpoint')]


def _plain(name: object) -> bool:
    """Whether a name can be part of a file name and of a comma-separated list."""
    return isinstance(name, str) and name.replace('_', '').isalnum()


def _list(names: Iterable[str]) -> str:
    return ', '.join(sorted(names))
