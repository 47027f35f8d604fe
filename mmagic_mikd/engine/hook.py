"""The hook that distils: a run's beginning, its iterations one by one, its checkpoints, its end."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from mmengine import dist
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn

from ..guard import DEFAULTS, DivergenceGuard, end_training
from ..guard.blind import BlindCritics
from ..guard.faint import FaintObjectives
from ..host.locate import pairs_of_updates
from ..host.optimiser_state import counters_to_host
from ..host.taps import UpdateTap
from ..objectives.objective import Objective
from ..resume.exact import ResumeState, refuse_another
from ..resume.foreign import rearrange, require_weights
from ..students.frozen_statistics import FrozenStatistics
from ..students.loaded import Loaded
from ..utils.rng import seeded
from . import checkpoint as checkpoints
from .announce import announce, warn_of_revived
from .build_objectives import ObjectiveBuilder
from .build_pairs import build_pairs
from .iteration import Iteration
from .log import Log
from .pair import Pair
from .settings import KEY, read
from .starting import start_students


class DistillRunner(Hook):
    """Distils a teacher into the generator that the toolbox trains, whatever the model's family.

    Goes into ``default_hooks.distill`` of a standard config. The model, its ``state_dict`` and its
    ``train_step`` stay as they are: forward hooks see the student's images, and the objectives join the
    generator's loss at its one ``update_params`` (method: Kang et al., NeurIPS 2022).

    Args:
        teacher: see :func:`mmagic_mikd.teachers.build.build_teacher`; or a dict of several by names of your
            choice, of which every objective looks at all.
        start: what the student's training starts from: 'sliced' for the first channels of its teacher,
            'refitted' for these with every convolution refitted to the teacher's, 'inherited' for its weights,
            ``dict(type='pruned')`` for channels that a criterion chooses, or any by path of the layer within
            the generator, such as ``dict(style_mapping='shared')`` for one that keeps the teacher's weights.
            Options of a pruned start, see docs/students.md: ``criterion``, ``refit``, ``statistics``, whether
            running means and variances are estimated anew, ``batches`` of training data that it looks at, 4
            by default, where the papers have 400 samples for 'content' and 5000 for 'latent', ``seed``,
            ``mask`` of the content, ``discriminator``, whether that of the model starts as the teacher's, and
            ``source``, another trained network whose channels it takes, written as ``teacher``.
        objectives: what is added to the generator's loss, by name; None leaves an inherited one out. Each is
            the config of any registered module of (student, teacher), such as ``PyramidLaplaceLoss`` or
            ``MIDistillLoss``, and these options:

            - ``loss_weight``;
            - ``target``, 'teacher' or 'ground_truth': the target image of the data set;
            - ``teacher``, the name of the only one of several that it looks at;
            - ``layer`` whose features it gets in place of images: one path, or the student's and the teacher's;
            - ``adapter``, a module of the student's features that is trained along, such as
              ``dict(type='Conv2d', kernel_size=1)``; with a ``layer`` and a ``backbone``, one of each
              network's, which makes the images that the backbone sees;
            - ``until``, the share of the training at which its weight has fallen to nothing;
            - ``learner`` of what it learns: an optimiser wrapper's config and ``param_scheduler``;
            - ``range``, what black and white are in the images that it gets; as the networks make them by
              default, (-1, 1) for MIDistillLoss;
            - ``mask``, a picture whose white is the content, around which both images are zero;
            - ``backbone``, a frozen network through whose layers the images are seen, such as 'discriminator',
              see :func:`mmagic_mikd.backbones.build.build_backbone`;
            - ``gradient_ratio``, of the norm of its gradient to that of all other losses, which then sets its
              weight in every step;
            - of MIDistillLoss: ``critic``; ``chain``, ``start`` and arguments of :func:`langevin`; ``base``, a
              closed form that the energy corrects.
        pairs: dicts of module paths ``student`` and ``teacher``, and the settings ``output``, ``value_range``
            and ``residual`` of :class:`Pair`; by default all generators.
        guard: what to do when the run diverges, see :class:`DivergenceGuard`; None for no watch.
        recipe: a name in :data:`mmagic_mikd.engine.recipes.RECIPES`, such as 'reference' for the published
            method: its settings of the above hold where the config sets nothing else.
        frozen_statistics: the share of the training from which on the student normalises by running statistics,
            which stay as they are, see :class:`mmagic_mikd.students.FrozenStatistics`; never by default.
        old: the keys of earlier versions, see :mod:`mmagic_mikd.engine.old_spelling`.
    """

    priority = 'NORMAL'  # before the LoggerHook and the CheckpointHook

    def __init__(
        self,
        teacher: nn.Module | dict | None = None,
        start: str | dict[str, str] | None = None,
        objectives: dict[str, dict | None] | None = None,
        pairs: Sequence[dict] | None = None,
        guard: dict | None = DEFAULTS,
        recipe: str | None = None,
        frozen_statistics: float | None = None,
        **old: Any,
    ) -> None:
        # Only read: validation and test build hooks too and must not need the teacher's file.
        given = dict(teacher=teacher, start=start, objectives=objectives, pairs=pairs, recipe=recipe)
        self.settings = read(dict(given, guard=guard, frozen_statistics=frozen_statistics, **old))
        share, key = self.settings.frozen_statistics, f'{KEY}.frozen_statistics'
        self._frozen = None if share is None else FrozenStatistics(share, key)
        self.guard = DivergenceGuard(self.settings.guard)
        self._resumed: Mapping | None = None
        self._loaded = Loaded()
        self._length: int | None = None  # of the run that is resumed
        self._resume: ResumeState | None = None
        self.pairs: list[Pair] = []
        self.objectives: dict[str, Objective] = {}
        self._blind, self._faint = BlindCritics(), FaintObjectives()
        self._undo: list[Any] = []  # what `remove` takes off the model

    # ---- a run's beginning and end --------------------------------------------------------------

    def before_train(self, runner: Runner) -> None:
        self._detach()
        if self._frozen:
            self._frozen.before_train(runner)
        self._noise = torch.Generator(next(runner.model.parameters()).device)
        with seeded(runner.seed):  # building draws, and the toolbox's own random stream must not notice
            self.pairs = build_pairs(self.settings, runner)
            builder = ObjectiveBuilder(runner, self.settings, self.pairs, self._noise)
            self.objectives = {name: builder.build(name) for name in self.settings.objectives}
        objectives = list(self.objectives.values())
        self.guard = DivergenceGuard(self.settings.guard if objectives else None, objectives)
        self._log = Log(objectives, len(self.pairs))
        self.iteration = Iteration(objectives, self.guard, self._log, builder.complete)
        self._resume = ResumeState(
            runner,
            lambda: {o.name: o.network for o in objectives if o.learner},
            lambda: [o.learner for o in objectives if o.learner],
        )
        self._undo.append(self._resume)
        if self._resumed is not None:
            checkpoints.load(self._resumed, objectives, self.guard, self._resume, builder)
            self._resumed = None
        self._undo += start_students(runner, self.settings, self.pairs, self._loaded)
        for optim_wrapper, pairs in pairs_of_updates(self.pairs, runner.optim_wrapper):
            self._undo.append(UpdateTap(optim_wrapper, partial(self._on_update, pairs)))
        announce(runner, self.pairs, objectives)
        warn_of_revived(runner, objectives, self._length)

    def after_train(self, runner: Runner) -> None:
        self._resume.finish()
        self._detach()

    def before_test(self, runner: Runner) -> None:
        if self._frozen:
            self._frozen.before_test(runner)

    def _detach(self) -> None:
        """Take every hook off the model; also before a new run, in case the last one was interrupted."""
        for tap in (*self._undo, *self.pairs):
            tap.remove()
        self._undo, self.pairs = [], []

    # ---- one iteration ------------------------------------------------------------------------

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: object = None) -> None:
        # A function of (seed, rank, iteration): every rank has its own noise and a resumed run draws
        # what the uninterrupted one would have drawn.
        entropy = [runner.seed, dist.get_rank(), runner.iter]
        seed = int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0] >> np.uint64(1))
        self._noise.manual_seed(seed)
        self.iteration.seed, self.iteration.progress = seed ^ 1, runner.iter / runner.max_iters
        if self.guard.stop_reason:  # here, where every hook is done with the last iteration
            end_training(runner, self.guard.stop_reason, self.guard.student_lost)
        for pair in self.pairs:
            pair.arm(self.iteration.asks_teacher(pair))
        if self._frozen:
            self._frozen.before_train_iter(runner, batch_idx, data_batch)

    def _on_update(self, pairs: list[Pair], loss: Tensor) -> Tensor:
        """The toolbox is about to update the generators of these pairs by this loss."""
        loss = self.iteration(pairs, loss)
        for pair in pairs:  # a model may update its generator more than once a step
            pair.arm(self.iteration.asks_teacher(pair))
        return loss

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: object = None
    ) -> None:
        for objective in self.objectives.values():
            if objective.learner is not None and objective.learner.schedule:
                runner.message_hub.update_scalar(f'train/{objective.name}_learner_lr', objective.learner.rate)
                objective.learner.schedule.step(by_epoch=False)
        values = self._log.write(runner.message_hub)
        self._blind.look(values)
        self._faint.look(self.objectives.values(), values, self.iteration.progress)
        if self.guard.trips:
            runner.message_hub.update_scalar('train/guard_trips', self.guard.trips)
        for pair in self.pairs:
            pair.release()

    def after_train_epoch(self, runner: Runner) -> None:
        for objective in self.objectives.values():
            if objective.learner is not None:
                objective.learner.schedule.step(by_epoch=True)

    # ---- checkpoints --------------------------------------------------------------------------

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        if self._resume is not None:
            self._resume.evaluated()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        # on rank 0 alone, so nothing here may communicate
        if self.pairs:
            meta = checkpoint['meta']
            run = self._resume.state_dict(meta['iter'], meta['epoch'])
            objectives = list(self.objectives.values())
            checkpoint[checkpoints.KEY] = checkpoints.state_of(objectives, self.guard, run)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if runner._resume:
            refuse_another(runner, checkpoint)
            self._resumed = checkpoint.get(checkpoints.KEY, {})
            for part in (checkpoint['optimizer'], self._resumed):
                counters_to_host(part)
            self._length = checkpoint['message_hub'].get('runtime_info', {}).get('max_iters')
        else:
            rearrange(runner, checkpoint)
            require_weights(runner, checkpoint)
            self._loaded = Loaded(checkpoint, runner._load_from)


def distillation_in(runner: Runner) -> DistillRunner | None:
    """The hook that distils in this run; None where nothing is distilled."""
    return next((hook for hook in runner.hooks if isinstance(hook, DistillRunner)), None)
