"""The choice of the teacher that a student learns from, on images that nobody is tested on."""

import copy
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from ..host.taps import unwrap
from ..host.train_mode import statistics_kept
from ..utils.checks import proposal, require_number, short
from ..utils.errors import ConfigError
from ..utils.rng import seeded
from .joint_pix2pix import JointPix2Pix

KEY = 'custom_hooks.TeacherSelection'


@HOOKS.register_module()
class TeacherSelection(Hook):
    """Scores the teachers of ``OnlineTeachers`` at the end of each of their phases, and keeps the best.

    The code of OMGD (Ren et al., ICCV 2021) chooses by FID on the **test** images, so that its scores are
    those of a student whose teacher has seen the test. Give images of their own here, such as the fold of the
    training images that an ``UnpairedImageFold`` leaves out.

    Args:
        dataloader, evaluator: as ``val_dataloader`` and ``val_evaluator``, of those images; or these two words,
            for the run's own, if nobody is tested on them.
        score: what the evaluator reports and is to be low, such as 'zebra/fid'.
        interval: also scores after so many iterations within a phase; None for its end alone.
    """

    priority = 'NORMAL'  # before the CheckpointHook, which saves the choice

    def __init__(
        self, dataloader: dict | str, evaluator: dict | str, score: str, interval: int | None = None
    ) -> None:
        if interval is not None:
            require_number(f'{KEY}.interval', interval, least=1, whole=True)
        self._dataloader, self._evaluator, self.score, self.interval = dataloader, evaluator, score, interval

    def before_train(self, runner: Runner) -> None:
        model = unwrap(runner.model)
        if getattr(model, 'phases', None) is None:
            raise ConfigError(
                f'{KEY}: a {type(model).__name__} without `phases` has no teacher to choose; leave the hook out'
            )
        if isinstance(model.teachers, JointPix2Pix):
            raise ConfigError(
                f'{KEY}: JointPix2Pix makes no samples that could be scored, so none of its generators can be '
                'chosen: take `every` in place of `phases`, and leave the hook out'
            )
        model.selects = True
        with seeded(runner.seed):  # the training's random stream must not notice
            loader = _settings(runner, 'dataloader', self._dataloader)
            self.dataloader = runner.build_dataloader(loader, seed=runner.seed)
            self.evaluator = runner.build_evaluator(
                dict(type='Evaluator') | _settings(runner, 'evaluator', self._evaluator)
            )

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        model, done = unwrap(runner.model), runner.iter + 1
        (_, teaches), (_, goes_on) = model.plan(runner.iter), model.plan(done)
        due = self.interval is not None and done % self.interval == 0
        if teaches and (due or not goes_on):
            score = self._measure(model, runner.seed)
            chosen = ', the best so far' if model.choose(score) else ''
            runner.logger.info(f'The teacher after {done} iterations has {self.score} {score:.4f}{chosen}.')
            runner.message_hub.update_scalar('val/teacher_score', score)

    @torch.no_grad()
    def _measure(self, model: Any, seed: int) -> float:
        """The score, the same in every process; the teachers are left as they are."""
        teachers = model.teachers
        with seeded(seed, model.best_score.device), statistics_kept(teachers):
            self.evaluator.prepare_metrics(teachers, self.dataloader)
            for metrics, sampler in self.evaluator.prepare_samplers(teachers, self.dataloader):
                for batch in sampler:
                    self.evaluator.process(teachers.val_step(batch), batch, metrics)
            report = self.evaluator.evaluate()
        if self.score not in report:
            raise ConfigError(f'{KEY}.score={self.score!r} is not reported: {proposal(self.score, report)}')
        return float(report[self.score])


def _settings(runner: Runner, key: str, given: dict | str) -> dict:
    """Of a loader or an evaluator; those of the run's validation where its name is given."""
    if isinstance(given, dict):
        return given
    found = runner.cfg.get(f'val_{key}')
    if given != f'val_{key}' or not isinstance(found, dict):
        raise ConfigError(
            f"{KEY}.{key}={short(given)} must be a dict, or 'val_{key}' in a config that has one: correct it"
        )
    return copy.deepcopy(found)
