"""What can be told about a study before its teacher has trained for minutes."""

import copy
from pathlib import Path

import torch
from mmagic.utils import register_all_modules
from mmengine.registry import MODELS, init_default_scope
from mmengine.utils import import_modules_from_strings
from torch import nn

from ...engine.build_objectives import OPTIONS, PARTS, without_foreign_weight
from ...engine.old_spelling import OLD_KEYS
from ...engine.settings import KEY, NEW_KEYS, read
from ...host.locate import find_generators
from ...host.taps import resolve
from ...objectives.objective import Keys
from ...teachers.named import teachers_of
from ...teachers.online import online_teacher
from ...utils.checks import quoted
from ...utils.errors import ConfigError
from .cells import Cell, Study
from .study_file import distillation, sources


def check(study: Study, cells: list[Cell]) -> None:
    """Build every network and every objective once, and look for the data.

    Raises:
        ConfigError: something in the study cannot be built, with its key.
    """
    register_all_modules()
    init_default_scope('mmagic')
    if not study.data.is_dir():
        raise ConfigError(
            f'there is no folder {study.data} of data sets: give it by --data, or as `data` of the study'
        )
    _require_weights(study, 'teacher.checkpoint', study.teacher)
    for cell in cells:
        _require_weights(study, f'students.{cell.student}: load_from', cell)
        for source in sources(cell.config.default_hooks.get('distill') or {}):
            _require_file(study, f'objectives.{cell.objective}.start.source.checkpoint', source['checkpoint'])
    for config in (study.teacher.config, *(cell.config for cell in cells)):
        _import(study, config.get('custom_imports'))
    with torch.random.fork_rng():
        _build(study, 'teacher', study.teacher.config.model)
        for place, cell in {_place(study, cell): cell for cell in cells}.items():
            _check_online(study, cell, _build(study, place, cell.config.model))
        for objective in {cell.objective for cell in cells}:
            _check_objective(study, objective)


def _require_weights(study: Study, key: str, cell: Cell) -> None:
    if given := cell.config.get('load_from'):
        _require_file(study, key, given)


def _require_file(study: Study, key: str, given: str) -> None:
    if not Path(given).is_file():
        raise ConfigError(f'{study.path}: {key}: there is no file {given}; correct it or --data')


def _import(study: Study, wanted: dict | None) -> None:
    """What `overrides` wants imported, which the config itself had not when it was read."""
    if not wanted:
        return
    try:
        import_modules_from_strings(**wanted)
    except (ImportError, TypeError, ValueError) as error:
        raise ConfigError(
            f'{study.path}: custom_imports={dict(wanted)} cannot be imported ({quoted(error)}): correct it, or '
            'put its folder into PYTHONPATH'
        ) from error


def _place(study: Study, cell: Cell) -> str:
    """Where the study has what the cell's model is, other than its teacher's."""
    own = (study.spec['objectives'][cell.objective] or {}).get('overrides')
    return f'objectives.{cell.objective}.overrides' if own else f'students.{cell.student}'


def _check_online(study: Study, cell: Cell, model: nn.Module) -> None:
    """Whether the cell's model has the networks that are to be its teachers."""
    given = distillation(study.spec['objectives'][cell.objective]).get('teacher')
    for name, teacher in teachers_of(given).items() if given else ():
        try:
            online_teacher(teacher, model, resolve(model, find_generators(model)[0]))
        except ConfigError as error:
            key = f'objectives.{cell.objective}.teacher' + (f'.{name}' if name else '')
            raise ConfigError(f'{study.path}: {str(error).replace(f"{KEY}.teacher", key)}') from error


def _check_objective(study: Study, name: str) -> None:
    given = distillation(study.spec['objectives'][name])
    where = f'{study.path}: objectives.{name}'
    for key in given.keys() - {*NEW_KEYS, *OLD_KEYS}:
        raise ConfigError(f'{where}.{key} is no setting of the distillation; there are {", ".join(NEW_KEYS)}')
    try:
        settings = read(copy.deepcopy(given))
    except ConfigError as error:
        raise ConfigError(f'{where}: {error}') from error
    for part, cfg in settings.objectives.items():
        keys = Keys(*(key.replace(KEY, f'objectives.{name}') for key in settings.keys[part]))
        module = {key: value for key, value in cfg.items() if key not in (*OPTIONS, *PARTS)}
        _build(study, keys.objective, without_foreign_weight(module)[0])
        if cfg.get('critic'):
            _build(study, keys.critic, cfg['critic'])


def _build(study: Study, where: str, cfg: dict) -> nn.Module:
    try:
        return MODELS.build(copy.deepcopy(cfg))
    except Exception as error:
        problem = f'{type(error).__name__}: {quoted(error)}'
        raise ConfigError(f'{study.path}: {where} cannot be built ({problem}): correct it') from error
