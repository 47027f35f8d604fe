"""What can be told about a study before its teacher has trained for minutes."""

import copy
from pathlib import Path

import torch
from mmagic.utils import register_all_modules
from mmengine.registry import MODELS, init_default_scope

from ...engine.build_objectives import OPTIONS, PARTS, without_foreign_weight
from ...engine.old_spelling import OLD_KEYS
from ...engine.settings import NEW_KEYS, read
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
        raise ConfigError(f'--data {study.data} is no folder: give the one that holds the data sets')
    given = study.teacher.config.get('load_from')
    if given and not Path(given).is_file():
        raise ConfigError(f'{study.path}: teacher.checkpoint: there is no file {given}; correct it or --data')
    with torch.random.fork_rng():
        _build(study, 'teacher', study.teacher.config.model)
        for student, cell in {cell.student: cell for cell in cells}.items():
            _build(study, f'students.{student}', cell.config.model)
        for objective in {cell.objective for cell in cells}:
            _check_objective(study, objective)


def _check_objective(study: Study, name: str) -> None:
    given = study.spec['objectives'][name] or {}
    where = f'{study.path}: objectives.{name}'
    for key in given.keys() - {*NEW_KEYS, *OLD_KEYS} | given.keys() & {'teacher'}:
        raise ConfigError(f'{where}.{key} is no setting of the distillation; there are {", ".join(NEW_KEYS)}')
    try:
        objectives = read(copy.deepcopy(given)).objectives
    except ConfigError as error:
        raise ConfigError(f'{where}: {error}') from error
    for part, cfg in objectives.items():
        module = {key: value for key, value in cfg.items() if key not in (*OPTIONS, *PARTS)}
        _build(study, f'objectives.{name}.{part}', without_foreign_weight(module)[0])
        if cfg.get('critic'):
            _build(study, f'objectives.{name}.{part}.critic', cfg['critic'])


def _build(study: Study, where: str, cfg: dict) -> None:
    try:
        MODELS.build(copy.deepcopy(cfg))
    except Exception as error:
        problem = f'{type(error).__name__}: {quoted(error)}'
        raise ConfigError(f'{study.path}: {where} cannot be built ({problem}): correct it') from error
