"""What can be told about a study before its teacher has trained for minutes."""

import copy
from pathlib import Path

import torch
from mmagic.utils import register_all_modules
from mmengine.registry import MODELS, init_default_scope
from mmengine.utils import import_modules_from_strings

from ...engine.build_objectives import OPTIONS, PARTS, without_foreign_weight
from ...engine.old_spelling import OLD_KEYS
from ...engine.settings import KEY, NEW_KEYS, read
from ...objectives.objective import Keys
from ...utils.checks import quoted
from ...utils.errors import ConfigError
from .cells import Cell, Study


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
    given = study.teacher.config.get('load_from')
    if given and not Path(given).is_file():
        raise ConfigError(f'{study.path}: teacher.checkpoint: there is no file {given}; correct it or --data')
    for config in (study.teacher.config, *(cell.config for cell in cells)):
        _import(study, config.get('custom_imports'))
    with torch.random.fork_rng():
        _build(study, 'teacher', study.teacher.config.model)
        for student, cell in {cell.student: cell for cell in cells}.items():
            _build(study, f'students.{student}', cell.config.model)
        for objective in {cell.objective for cell in cells}:
            _check_objective(study, objective)


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


def _check_objective(study: Study, name: str) -> None:
    given = study.spec['objectives'][name] or {}
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


def _build(study: Study, where: str, cfg: dict) -> None:
    try:
        MODELS.build(copy.deepcopy(cfg))
    except Exception as error:
        problem = f'{type(error).__name__}: {quoted(error)}'
        raise ConfigError(f'{study.path}: {where} cannot be built ({problem}): correct it') from error
