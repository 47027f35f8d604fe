"""What can be told about a study before its teacher has trained for minutes."""

import copy
import inspect
from pathlib import Path

import torch
from mmagic.utils import register_all_modules
from mmengine.registry import MODELS, init_default_scope

import mmagic_mikd

from ...engine.build_objectives import OWN_KEYS
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
    settings = study.spec['objectives'][name] or {}
    known = set(inspect.signature(mmagic_mikd.DistillRunner).parameters) - {'teacher'}
    for key in settings.keys() - known:
        raise ConfigError(
            f'{study.path}: objectives.{name}.{key} is no setting of the distillation; there are '
            f'{", ".join(sorted(known))}'
        )
    for key in ('loss', 'critic'):
        if settings.get(key):
            _build(study, f'objectives.{name}.{key}', settings[key])
    for term, cfg in (settings.get('terms') or {}).items():
        cfg = {key: value for key, value in cfg.items() if key not in OWN_KEYS}
        _build(study, f'objectives.{name}.terms.{term}', cfg)


def _build(study: Study, where: str, cfg: dict) -> None:
    try:
        MODELS.build(copy.deepcopy(cfg))
    except Exception as error:
        problem = f'{type(error).__name__}: {quoted(error)}'
        raise ConfigError(f'{study.path}: {where} cannot be built ({problem}): correct it') from error
