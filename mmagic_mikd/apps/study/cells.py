"""The cells of a study: the config of every training of its grid."""

import copy
import hashlib
import json
import os
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from mmengine.config import Config

from ...utils.errors import ConfigError
from ..clone import data_folder
from ..launch.launch import read_config
from .study_file import TEACHER, distillation, read_study, sources

# what a training depends on; the rest of a config are its own variables, and where it writes
MATTERS = {
    *('model', 'optim_wrapper', 'param_scheduler', 'randomness', 'default_hooks', 'custom_hooks'),
    *(f'{phase}_{part}' for phase in ('train', 'val', 'test') for part in ('cfg', 'dataloader', 'evaluator')),
}


class Cell(NamedTuple):
    """One training: its place in the grid, its config, and the fingerprint of that.

    The teacher's cell has the name 'teacher' for both student and objective.
    """

    student: str
    objective: str
    seed: int
    config: Config
    hash: str

    @property
    def title(self) -> str:
        if self.student == TEACHER:
            return TEACHER
        return f'student {self.student}, objective {self.objective}, seed {self.seed}'

    @property
    def folder(self) -> str:
        parts = [self.student] if self.student == TEACHER else [self.student, self.objective, self.seed]
        return '-'.join(map(str, (*parts, self.hash)))


class Study:
    """A study file; see benchmarks/studies/README.md for its keys.

    Args:
        path: the file.
        work_dir: folder of all trainings; each study has a folder of its own in it.
        data: folder of the data sets, for the base config; by default what the study says, else ../shared/data
            beside the clone, or ./data.
        quick: two iterations, one seed, one student and two objectives, or those in ``only``.
        only: see :meth:`cells`.

    Raises:
        ConfigError: the file does not exist or says something that cannot be.
    """

    def __init__(
        self,
        path: Path,
        work_dir: Path,
        data: Path | None = None,
        quick: bool = False,
        only: dict[str, set[str]] | None = None,
    ) -> None:
        self.path, self.name = path, path.stem
        self.spec = read_study(path)
        if data is None:
            data = path.parent / self.spec['data'] if self.spec.get('data') else data_folder()
        self.data, self.work_dir = data.resolve(), work_dir.resolve() / path.stem
        os.environ['MIKD_DATA'] = str(self.data)  # which the base config reads
        if quick:
            self._shorten(only or {})
        self.csv = self.work_dir / f'{path.stem}.csv' if quick else path.with_suffix('.csv')
        self.scores: dict[str, str] = self.spec['scores']

    @cached_property
    def teacher(self) -> Cell:
        settings = self.spec.get('teacher') or {}
        seed = settings.get('seed', 0)
        config = self._base()
        _override(config, settings.get('overrides') or {}, f'{self.path}: teacher.overrides')
        if 'checkpoint' in settings:
            self._schedule(config, 0, seed)
            config.load_from = str(self.data / settings['checkpoint'])
        else:
            self._schedule(config, settings.get('iterations', self.spec['iterations']), seed)
        return self._cell(TEACHER, TEACHER, seed, config)

    @property
    def teacher_checkpoint(self) -> Path:
        """Where the teacher is once its cell has finished."""
        return self.work_dir / self.teacher.folder / 'last.pth'

    @property
    def teacher_entry(self) -> dict:
        """That teacher as ``default_hooks.distill.teacher``."""
        teacher = dict(model=self.teacher.config.model.to_dict(), checkpoint=str(self.teacher_checkpoint))
        if (self.spec.get('teacher') or {}).get('cache'):
            teacher['cache'] = str(self.work_dir / 'teacher_images')
        return teacher

    def cells(self, only: dict[str, set[str]] | None = None) -> list[Cell]:
        """The students' cells, seed by seed, restricted to the wanted students, objectives and seeds.

        Raises:
            ConfigError: a wanted name is not in the study.
        """
        names = self._wanted(only or {})
        return [
            self.cell(student, objective, int(seed))
            for student in names['student']
            for seed in names['seed']
            for objective in names['objective']
        ]

    def cell(self, student: str, objective: str, seed: int) -> Cell:
        config = copy.deepcopy(self.teacher.config)
        config.load_from = None
        teacher, settings = self.teacher_entry, self.spec['objectives'][objective] or {}
        _override(config, self.spec['students'][student] or {}, f'{self.path}: students.{student}')
        _override(config, settings.get('overrides') or {}, f'{self.path}: objectives.{objective}.overrides')
        if config.load_from:  # as the teacher's checkpoint
            config.load_from = str(self.data / config.load_from)
        self._schedule(config, settings.get('iterations', self.spec['iterations']), seed)
        if learned := distillation(settings):
            # teachers that the cell itself trains take the place of the study's, which scores it all the same
            distill = dict(type='DistillRunner', teacher=teacher) | self._found(learned)
            config.merge_from_dict(dict(default_hooks=dict(distill=distill)))
        self._score_against(config, teacher)
        return self._cell(student, objective, seed, config)

    def _found(self, learned: dict) -> dict:
        """Settings of a distillation, whose start may take channels of a file in the data folder."""
        learned = copy.deepcopy(learned)
        for source in sources(learned):
            source['checkpoint'] = str(self.data / source['checkpoint'])
        return learned

    # ---- configs ------------------------------------------------------------------------------

    def _base(self) -> Config:
        path = self.path.parent / self.spec['config']
        config = read_config(str(path))
        _override(config, self.spec.get('overrides') or {}, f'{self.path}: overrides')
        return config

    def _schedule(self, config: Config, iterations: int, seed: int) -> None:
        """Iterations, learning rates that fall to 0 at their end, checkpoints, evaluations, seed."""
        begin = round(iterations * (1 - self.spec.get('decay', 0.5)))
        interval = max(1, iterations // self.spec.get('evaluations', 10))
        ((best, better),) = self.spec['best'].items()
        rule = {'higher': 'greater', 'lower': 'less'}[better]
        config.train_cfg = dict(by_epoch=False, max_iters=iterations, val_interval=interval)
        falls = dict(type='LinearLR', by_epoch=False, start_factor=1.0, end_factor=0.0)
        never = begin == iterations > 0  # a teacher that is given has none at all
        config.param_scheduler = None if never else [dict(falls, begin=begin, end=iterations)]
        config.default_hooks.update(
            logger=dict(type='LoggerHook', interval=max(1, iterations // 10), log_metric_by_epoch=False),
            checkpoint=dict(
                type='CheckpointHook',
                by_epoch=False,
                interval=iterations,
                save_best=best,
                rule=rule,
                save_optimizer=False,
                save_param_scheduler=False,
            ),
        )
        config.randomness = dict(seed=seed)

    def _score_against(self, config: Config, teacher: dict) -> None:
        """Let the test measure the distance to the teacher, on every test set."""
        wanted = self.spec.get('against_teacher') or []
        evaluators = config.test_evaluator
        evaluators = evaluators if isinstance(evaluators, list) else [evaluators]
        if wanted and len(wanted) != len(evaluators):
            raise ConfigError(
                f'{self.path}: against_teacher has {len(wanted)} entries, the config has {len(evaluators)} '
                'test evaluators: give one for each'
            )
        for settings, evaluator in zip(wanted, evaluators, strict=False):
            for own in settings if isinstance(settings, list) else [settings]:  # two in CycleGAN
                metric = dict(type='PairedImageQuality', against='teacher', teacher=teacher, **own)
                evaluator['metrics'] = [*evaluator['metrics'], metric]

    def _cell(self, student: str, objective: str, seed: int, config: Config) -> Cell:
        matters = {key: value for key, value in config.to_dict().items() if key in MATTERS}
        if config.get('load_from'):  # only where it is set: rows of trained teachers keep their fingerprint
            matters['load_from'] = config.load_from
        text = json.dumps(matters, sort_keys=True, default=str)
        for folder, name in ((self.work_dir, '<work>'), (self.data, '<data>'), (Path.cwd(), '<here>')):
            text = text.replace(str(folder), name)
        return Cell(student, objective, seed, config, hashlib.sha256(text.encode()).hexdigest()[:10])

    # ---- the file -----------------------------------------------------------------------------

    def _names(self) -> dict[str, list[str]]:
        seeds = [str(seed) for seed in self.spec['seeds']]
        return dict(student=list(self.spec['students']), objective=list(self.spec['objectives']), seed=seeds)

    def _wanted(self, only: dict[str, set[str]]) -> dict[str, list[str]]:
        """The study's students, objectives and seeds, without those that are not wanted."""
        names = self._names()
        for key, wanted in only.items():
            for name in wanted - set(names.get(key, ())):
                raise ConfigError(f'--only {key}={name}: {self._choice(key, names)}')
            names[key] = [name for name in names[key] if name in wanted]
        return names

    def _shorten(self, only: dict[str, set[str]]) -> None:
        spec, names = self.spec, self._wanted(only)
        short = dict(student=slice(-1, None), objective=slice(2), seed=slice(1))
        names = {key: found if key in only else found[short[key]] for key, found in names.items()}
        teacher = dict(spec.get('teacher') or {}, iterations=2)
        spec.update(iterations=2, evaluations=1, seeds=[int(seed) for seed in names['seed']], teacher=teacher)
        spec.update(
            {f'{key}s': {name: spec[f'{key}s'][name] for name in names[key]} for key in list(short)[:2]}
        )
        for settings in spec['objectives'].values():
            (settings or {}).pop('iterations', None)

    def _choice(self, key: str, names: dict[str, list]) -> str:
        if key not in names:
            return f'a cell has {", ".join(names)}'
        return f'{self.path} has {", ".join(names[key])}'


def _override(config: Config, overrides: dict, where: str) -> None:
    """Merge dotted keys; all but the last part of each must be in the config.

    Raises:
        ConfigError: a key leads nowhere.
    """
    for key, value in overrides.items():
        place = config
        for part in key.split('.')[:-1]:
            place = place.get(part) if isinstance(place, dict | Config) else None
            if place is None:
                raise ConfigError(f'{where}: {key} leads nowhere in the config, which has no {part!r} there')
        config.merge_from_dict({key: copy.deepcopy(value)})  # which it would take `_delete_` out of
