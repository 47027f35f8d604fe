"""The hook that distils: lifecycle, order of one iteration, logging, checkpoint. No formula lives here."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from mmengine import dist
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.registry import MODELS
from mmengine.runner import Runner
from torch import Tensor, nn

from ..guard import DEFAULTS, DivergenceGuard, end_training
from ..host.locate import find_generators, optimisers_of
from ..host.taps import UpdateTap, unwrap
from ..objectives import MIDistillLoss
from ..objectives.energy.langevin import check_sampler
from ..resume.exact import ResumeState, mismatch
from ..students.start import InheritedLayers
from ..teachers.build import build_teacher, check_place, check_preprocessing
from ..teachers.weights import is_copy
from ..utils.checks import require_kind
from ..utils.errors import ConfigError
from ..utils.rng import seeded
from .build_objectives import Term
from .energy_objective import MutualInformation
from .pair import Pair
from .recipes import with_recipe

KEY = 'default_hooks.distill'
CHECKPOINT_KEY = 'mikd'
CHECKPOINT_VERSION = 2  # 1 had no state of the run; it resumes, not exactly


class DistillRunner(Hook):
    """Distils a teacher into the generator that the toolbox trains, whatever the model's family.

    Goes into ``default_hooks.distill`` of a standard config. The model, its ``state_dict`` and its
    ``train_step`` stay as they are: forward hooks see the student's images, and the distillation loss
    joins the generator's loss at its one ``update_params`` (method: Kang et al., NeurIPS 2022).

    Args:
        teacher: see :func:`mmagic_mikd.teacher.build_teacher`.
        loss: config of :class:`MIDistillLoss`; None leaves mutual information out.
        critic: config of :class:`EnergyCritic`, built once for every pair.
        optim_wrapper: config of the critic's optimiser wrapper.
        param_scheduler: the critic's schedules, one or a list, as the toolbox's own ``param_scheduler``.
        sampler: arguments of :func:`langevin` and the ``start`` of its chains, such as
            ``dict(steps=10, step_size=100.)``.
        terms: further losses between the images of student and teacher by name, any registered module
            of (student, teacher), such as ``dict(l1=dict(type='L1Loss', loss_weight=10.))``.
        pairs: dicts of module paths ``student`` and ``teacher``, and the settings ``output`` and
            ``value_range`` of :class:`Pair`; by default all generators.
        layers: what the student takes from the teacher, by path of the layer within the generator:
            'inherited' to start from, 'shared' to keep, such as ``dict(style_mapping='shared')``.
        guard: what to do when the run diverges, see :class:`DivergenceGuard`; None for no watch.
        recipe: a name in :data:`mmagic_mikd.recipes.RECIPES`, such as 'reference' for the published method:
            its settings of the above hold where the config sets nothing else.
    """

    priority = 'NORMAL'  # before the LoggerHook and the CheckpointHook

    def __init__(
        self,
        teacher: nn.Module | dict | None = None,
        loss: dict | None = None,
        critic: dict | None = None,
        optim_wrapper: dict | None = None,
        sampler: dict | None = None,
        terms: dict[str, dict] | None = None,
        pairs: Sequence[dict] | None = None,
        layers: dict[str, str] | None = None,
        param_scheduler: dict | Sequence[dict] | None = None,
        guard: dict | None = DEFAULTS,
        recipe: str | None = None,
    ) -> None:
        settings = dict(loss=loss, critic=critic, optim_wrapper=optim_wrapper, sampler=sampler, layers=layers)
        require_kind(f'{KEY}.teacher', teacher, (dict, nn.Module), 'a dict or a module')
        require_kind(f'{KEY}.pairs', pairs, (list, tuple), 'a list of dicts')
        dicts = dict(settings)
        dicts |= dict(terms=terms) if not isinstance(terms, dict) else {f'terms.{k}': terms[k] for k in terms}
        dicts |= {f'pairs[{index}]': pair for index, pair in enumerate(pairs or ())}
        for name, value in dicts.items():
            require_kind(f'{KEY}.{name}', value, dict, 'a dict')
        settings = with_recipe(f'{KEY}.recipe', recipe, settings | dict(terms=terms))
        loss, critic, optim_wrapper = (settings.get(name) for name in ('loss', 'critic', 'optim_wrapper'))
        sampler, terms, layers = (settings.get(name) for name in ('sampler', 'terms', 'layers'))
        check_sampler(f'{KEY}.sampler', sampler or {})
        # Only kept: validation and test build hooks too and must not need the teacher's file.
        self._teacher_cfg, self._critic_cfg = teacher, critic or dict(type='EnergyCritic')
        self._loss_cfg, self._terms_cfg = loss, terms or {}
        self._optim_cfg = optim_wrapper or dict(optimizer=dict(type='Adam', lr=1e-4, betas=(0.0, 0.999)))
        self._sampler, self._pairs_cfg, self._layers = sampler or {}, pairs, layers or {}
        self._schedule_cfg = param_scheduler
        self._resumed: dict | None = None
        self._resume: ResumeState | None = None
        self.guard, self._guard_cfg = DivergenceGuard(guard), guard
        self.pairs: list[Pair] = []
        self._taps: list[UpdateTap | InheritedLayers] = []
        self._log: dict[str, Tensor] = {}
        self._progress = 0.0  # share of the training that is over

    # ---- lifecycle ----------------------------------------------------------------------------

    def before_train(self, runner: Runner) -> None:
        self._detach()
        if isinstance(self._teacher_cfg, dict):
            check_place(self._teacher_cfg, runner.work_dir)
        device = next(runner.model.parameters()).device
        # Building draws random numbers; the toolbox's own random stream must not notice.
        self._noise = torch.Generator(device)
        self.guard = DivergenceGuard(self._guard_cfg if self._loss_cfg or self._terms_cfg else None)
        with seeded(runner.seed):
            loss = MODELS.build(self._loss_cfg) if self._loss_cfg else None
            self.pairs = self._build_pairs(runner.model, loss)
            self.mi = loss and self._build_mutual_information(runner, loss)
            self.terms = {
                name: Term(name, cfg, self._optim_cfg, self.pairs, device)
                for name, cfg in self._terms_cfg.items()
            }
        self._resume = ResumeState(runner, self._trained())
        self._taps.append(self._resume)
        self._load_resumed(runner)
        for optim_wrapper, pairs in self._pairs_by_optim_wrapper(runner.optim_wrapper):
            self._taps.append(UpdateTap(optim_wrapper, partial(self._add_objective, pairs)))
            if self._layers:
                start = runner.iter == 0
                self._taps.append(InheritedLayers(self._layers, pairs, optim_wrapper, start))
        if self.mi is None and not self.terms:
            runner.logger.warning(
                'default_hooks.distill has neither `loss` nor `terms`: the student trains without distillation'
            )
        for pair in self.pairs:
            runner.logger.info(f'Distilling {pair.path} of {type(unwrap(runner.model)).__name__}.')
            if pair.teacher is not None and is_copy(pair.student, pair.teacher):
                runner.logger.warning(
                    f'The teacher of {pair.path!r} has the weights of the student, so there is nothing to '
                    "learn from it yet: is default_hooks.distill.teacher.checkpoint the student's own?"
                )

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: object = None) -> None:
        # A function of (seed, rank, iteration): every rank has its own noise and a resumed run draws
        # what the uninterrupted one would have drawn.
        entropy = [runner.seed, dist.get_rank(), runner.iter]
        seed = np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0]
        self._noise.manual_seed(int(seed >> np.uint64(1)))
        self._progress = runner.iter / runner.max_iters
        if self.guard.stop_reason:  # here, where every hook is done with the last iteration
            end_training(runner, self.guard.stop_reason, self.guard.student_lost)
        for pair in self.pairs:
            pair.arm(self._asks_teacher)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: object = None
    ) -> None:
        if self._log:
            values = torch.stack([value.float() for value in self._log.values()]).tolist()
            for name, value in zip(self._log, values, strict=True):
                runner.message_hub.update_scalar(f'train/{name}', value)
        self._log.clear()
        if self.guard.trips:
            runner.message_hub.update_scalar('train/guard_trips', self.guard.trips)
        self._move_schedule(runner, by_epoch=False)
        for pair in self.pairs:
            pair.release()

    def after_train_epoch(self, runner: Runner) -> None:
        self._move_schedule(runner, by_epoch=True)

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        if self._resume is not None:
            self._resume.evaluated()

    def after_train(self, runner: Runner) -> None:
        self._resume.finish()
        self._detach()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        # on rank 0 alone, so nothing here may communicate
        if not self.pairs:
            return
        learning = self._learning_terms()
        state = dict(
            version=CHECKPOINT_VERSION,
            run=self._resume.state_dict(checkpoint['meta']['iter']),
            terms={k: term.state_dict() for k, term in learning.items()},
        )
        if self.mi is not None:
            state.update(self.mi.state_dict(), guard=self.guard.state_dict())
        checkpoint[CHECKPOINT_KEY] = state

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if not runner._resume:
            return
        self._resumed = checkpoint.get(CHECKPOINT_KEY, {})
        where = runner._load_from or f'the newest in {runner.work_dir}'
        difference = mismatch(runner.model, checkpoint.get('state_dict', checkpoint))
        if difference:
            raise ConfigError(
                f'the checkpoint to resume ({where}) is of another model ({difference}); resume it with the '
                'config that wrote it, or start from it with load_from in place of resume'
            )
        if 'message_hub' not in checkpoint or 'optimizer' not in checkpoint:
            raise ConfigError(
                f'the checkpoint to resume ({where}) has no state of the optimisers, as best_*.pth; resume '
                'from one that the run wrote to go on, or start from it with load_from in place of resume'
            )

    # ---- one iteration ------------------------------------------------------------------------

    def _add_objective(self, pairs: list[Pair], loss: Tensor) -> Tensor:
        """The student and the teacher have run; add their distance to the generator's loss."""
        with torch.autocast(loss.device.type, enabled=False):
            self._watch_model(pairs, loss)
            if self.mi is None or self.guard.resting:
                self.guard.judge(self.guard.signs(loss.device))
            else:
                loss = loss + self.mi(pairs)
            with seeded(self._noise.initial_seed() ^ 1, loss.device):  # a term may draw, as for patches
                for name, term in self.terms.items() if self.guard.teacher_usable else ():
                    weight = term.weight(self._progress)
                    if weight == 0:
                        continue
                    value = weight * term(pairs)
                    self._log[f'loss_distill_{name}'] = value.detach()
                    if self.guard.admits_term(value, term.learns):
                        loss = loss + value
        for pair in pairs:  # a model may update its generator more than once a step
            pair.arm(self._asks_teacher)
        return loss

    @property
    def _asks_teacher(self) -> bool:
        of_terms = any(term.weight(self._progress) for term in self.terms.values())
        return of_terms or (self.mi is not None and self.mi.loss.target == 'teacher')

    def _watch_model(self, pairs: list[Pair], loss: Tensor) -> None:
        students, teachers = (
            [image for image in images if image is not None]
            for images in zip(*((pair.s, pair.t) for pair in pairs), strict=True)
        )
        self.guard.watch_model(loss, students, teachers)

    def _move_schedule(self, runner: Runner, by_epoch: bool) -> None:
        if self.mi is None:
            return
        if not by_epoch and self.mi.schedule.rate is not None:
            runner.message_hub.update_scalar('train/critic_lr', self.mi.schedule.rate)
        self.mi.schedule.step(by_epoch)

    # ---- building and undoing -----------------------------------------------------------------

    def _build_pairs(self, model: nn.Module, loss: MIDistillLoss | None) -> list[Pair]:
        if isinstance(self._teacher_cfg, dict):
            check_preprocessing(self._teacher_cfg, unwrap(model))
        asked = self._terms_cfg or self._layers or (loss is not None and loss.target == 'teacher')
        pairs_cfg = self._pairs_cfg or [dict(student=path) for path in find_generators(model)]
        pairs = [Pair.from_config(cfg, model) for cfg in pairs_cfg]
        for pair, cfg in zip(pairs, pairs_cfg, strict=True):
            if asked:  # else nothing would ever look at its images
                preprocessor = unwrap(model).data_preprocessor
                pair.teacher = self._build_teacher(cfg.get('teacher', pair.path), preprocessor, pair.student)
                pair.teacher.to(next(model.parameters()).device)
        return pairs

    def _build_mutual_information(self, runner: Runner, loss: MIDistillLoss) -> MutualInformation:
        return MutualInformation(
            runner,
            self.pairs,
            loss,
            critic=self._critic_cfg,
            optim_wrapper=self._optim_cfg,
            param_scheduler=self._schedule_cfg,
            sampler=self._sampler,
            noise=self._noise,
            guard=self.guard,
            log=self._log,
            key=KEY,
        )

    def _build_teacher(self, path: str, preprocessor: nn.Module, student: nn.Module) -> nn.Module:
        if self._teacher_cfg is None:
            raise ConfigError('default_hooks.distill.teacher is missing: set its `model` and `checkpoint`')
        return build_teacher(self._teacher_cfg, path, preprocessor, student)

    def _load_resumed(self, runner: Runner) -> None:
        if self._resumed is None:
            return
        learning = self._learning_terms()
        if self._resumed.get('version') not in (1, CHECKPOINT_VERSION):
            raise ConfigError(
                f'the checkpoint to resume holds no critic (key {CHECKPOINT_KEY!r}, version 1 or '
                f'{CHECKPOINT_VERSION}): it is not from a distillation; start from it with load_from '
                'in place of resume'
            )
        terms = self._resumed.get('terms', {})
        absent = [f'terms.{name}' for name in learning if name not in terms]
        absent += ['critic'] if self.mi is not None and 'critics' not in self._resumed else []
        if absent:
            raise ConfigError(
                f'the checkpoint to resume has not trained default_hooks.distill.{" and ".join(absent)}; start '
                'from it with load_from in place of resume'
            )
        for name, term in learning.items():
            term.load_state_dict(terms[name])
        if self.mi is not None:
            self.mi.load_state_dict(self._resumed)
            self.guard.load_state_dict(self._resumed.get('guard'), self._noise.device)
        self._resume.load_state_dict(self._resumed.get('run', {}))
        self._resumed = None

    def _trained(self) -> dict[str, nn.Module]:
        """What is trained beside the model."""
        modules = {f'terms.{name}': term.losses for name, term in self._learning_terms().items()}
        return modules if self.mi is None else dict(modules, critics=self.mi.critics)

    def _learning_terms(self) -> dict[str, Term]:
        return {name: term for name, term in self.terms.items() if term.learns}

    def _pairs_by_optim_wrapper(
        self, optim_wrapper: OptimWrapper | OptimWrapperDict
    ) -> list[tuple[OptimWrapper, list[Pair]]]:
        """Which updates train which pairs."""
        groups: dict[int, tuple[OptimWrapper, list[Pair]]] = {}
        for pair in self.pairs:
            for wrapper in optimisers_of(pair.student, pair.path, optim_wrapper):
                groups.setdefault(id(wrapper), (wrapper, []))[1].append(pair)
        return list(groups.values())

    def _detach(self) -> None:
        """Take every hook off the model; also before a new run, in case the last one was interrupted."""
        for tap in (*self._taps, *self.pairs):
            tap.remove()
        self._taps, self.pairs = [], []
        self._log.clear()
