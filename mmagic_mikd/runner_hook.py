"""The hook that distils: lifecycle, order of one iteration, logging, checkpoint. No formula lives here."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from mmengine import dist
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper, OptimWrapperDict, build_optim_wrapper
from mmengine.registry import MODELS
from mmengine.runner import Runner
from torch import Tensor, nn

from .critic import frozen
from .errors import ConfigError
from .generators import find_generators, optimisers_of
from .inherit import InheritedLayers
from .langevin import langevin
from .pair import Pair
from .rng import seeded
from .tap import UpdateTap, gradient_share, unwrap
from .teacher import build_teacher, check_place, check_preprocessing
from .weights import is_copy

CHECKPOINT_KEY = 'mikd'
CHECKPOINT_VERSION = 1


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
        sampler: arguments of :func:`langevin`, such as ``dict(steps=10, step_size=100.)``.
        terms: further losses between the images of student and teacher by name, any registered module
            of (student, teacher), such as ``dict(l1=dict(type='L1Loss', loss_weight=10.))``.
        pairs: dicts of module paths ``student`` and ``teacher``, and the settings ``output`` and
            ``value_range`` of :class:`Pair`; by default all generators.
        layers: what the student takes from the teacher, by path of the layer within the generator:
            'inherited' to start from, 'shared' to keep, such as ``dict(style_mapping='shared')``.
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
    ) -> None:
        # Only kept: validation and test build hooks too and must not need the teacher's file.
        self._teacher_cfg, self._critic_cfg = teacher, critic or dict(type='EnergyCritic')
        self._loss_cfg, self._terms_cfg = loss, terms or {}
        self._optim_cfg = optim_wrapper or dict(optimizer=dict(type='Adam', lr=1e-4, betas=(0.0, 0.999)))
        self._sampler, self._pairs_cfg, self._layers = sampler or {}, pairs, layers or {}
        self._resumed: dict | None = None
        self.pairs: list[Pair] = []
        self._taps: list[UpdateTap | InheritedLayers] = []
        self._log: dict[str, Tensor] = {}

    # ---- lifecycle ----------------------------------------------------------------------------

    def before_train(self, runner: Runner) -> None:
        self._detach()
        if isinstance(self._teacher_cfg, dict):
            check_place(self._teacher_cfg, runner.work_dir)
        device = next(runner.model.parameters()).device
        # Building draws random numbers; the toolbox's own random stream must not notice.
        with seeded(runner.seed):
            self.mi = MODELS.build(self._loss_cfg) if self._loss_cfg else None
            self._build_terms(device)
            self.pairs = self._build_pairs(runner.model)
            self._build_critics(device)
        self._noise = torch.Generator(device)
        self._load_resumed(runner)
        for optim_wrapper, pairs in self._pairs_by_optim_wrapper(runner.optim_wrapper):
            self._taps.append(UpdateTap(optim_wrapper, partial(self._add_objective, pairs)))
            if self._layers:
                start = runner.iter == 0
                self._taps.append(InheritedLayers(self._layers, pairs, optim_wrapper, start))
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
        for pair in self.pairs:
            pair.arm()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: object = None
    ) -> None:
        if self._log:
            values = torch.stack([value.float() for value in self._log.values()]).tolist()
            for name, value in zip(self._log, values, strict=True):
                runner.message_hub.update_scalar(f'train/{name}', value)
        self._log = {}
        for pair in self.pairs:
            pair.release()

    def after_train(self, runner: Runner) -> None:
        self._detach()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        # on rank 0 alone, so nothing here may communicate
        if self.pairs and self.mi is not None:
            checkpoint[CHECKPOINT_KEY] = dict(
                version=CHECKPOINT_VERSION,
                critics=self.critics.state_dict(),
                optim_wrapper=self.optim_wrapper.state_dict(),
                noise=self._noise.get_state(),
            )

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if runner._resume:
            self._resumed = checkpoint.get(CHECKPOINT_KEY, {})

    # ---- one iteration ------------------------------------------------------------------------

    def _add_objective(self, pairs: list[Pair], loss: Tensor) -> Tensor:
        """The student and the teacher have run; add their distance to the generator's loss."""
        with torch.autocast(loss.device.type, enabled=False):
            if self.mi is not None:
                loss = loss + self._mutual_information(pairs)
            for name, term in self.terms.items():
                outputs = [pair.outputs(self._term_layers[name]) for pair in pairs]
                value = sum(term(student.float(), teacher.float()) for student, teacher in outputs)
                self._log[f'loss_distill_{name}'] = value.detach()
                loss = loss + value
        for pair in pairs:  # a model may update its generator more than once a step
            pair.arm()
        return loss

    def _mutual_information(self, pairs: list[Pair]) -> Tensor | float:
        """Chain, critic step, then the bound with the updated critic and the same samples."""
        samples, critic_losses = [], []
        for pair in pairs:
            critic = self.critics[pair.name]
            t, s = pair.to_unit(pair.target(self.mi.target)), pair.to_unit(self._watched(pair))
            with frozen(critic):
                energy = partial(critic, s=s.detach())
                t_neg = langevin(energy, s, generator=self._noise, **self._sampler)
            critic_loss, energies = self.mi.critic_loss(critic, t, s, t_neg)
            samples.append((critic, t, s, t_neg))
            critic_losses.append(critic_loss)
            self._record(
                pair,
                energy_t=energies.t,
                energy_neg=energies.t_neg,
                chain_drift=(t_neg - s).abs(),
                distance=(t - s).abs(),
                loss_critic=critic_loss,
            )
        self._update_critics(sum(critic_losses))
        if self.mi.loss_weight == 0:
            return 0.0
        with frozen(self.critics):
            loss_mi = sum(self.mi(*sample) for sample in samples)
        self._log['loss_mi'] = loss_mi.detach()
        return loss_mi

    def _update_critics(self, loss: Tensor) -> None:
        self.optim_wrapper.backward(loss)
        gradients = [p.grad for p in self.critics.parameters() if p.grad is not None]
        dist.all_reduce_params(gradients, op='mean')
        self._log['critic_grad_norm'] = torch.nn.utils.get_total_norm(gradients)
        self.optim_wrapper.step()
        self.optim_wrapper.zero_grad()

    def _watched(self, pair: Pair) -> Tensor:
        """The student's image as the bound sees it; the log gets the weight of the bound's gradient at it."""
        if self.mi.loss_weight == 0:
            return pair.s
        return gradient_share(pair.s, lambda ratio: self._record(pair, mi_grad_ratio=ratio))

    def _record(self, pair: Pair, **values: Tensor) -> None:
        suffix = f'_{pair.name}' if len(self.pairs) > 1 else ''
        self._log.update({k + suffix: value.detach().mean() for k, value in values.items()})

    # ---- building and undoing -----------------------------------------------------------------

    def _build_terms(self, device: torch.device) -> None:
        configs = {name: dict(cfg) for name, cfg in self._terms_cfg.items()}
        self._term_layers = {name: cfg.pop('layer', None) for name, cfg in configs.items()}
        self.terms = nn.ModuleDict({name: MODELS.build(cfg) for name, cfg in configs.items()}).to(device)

    def _build_pairs(self, model: nn.Module) -> list[Pair]:
        if self.mi is None and not self.terms:
            raise ConfigError('default_hooks.distill has neither `loss` nor `terms`: set one of them')
        if isinstance(self._teacher_cfg, dict):
            check_preprocessing(self._teacher_cfg, unwrap(model))
        pairs_cfg = self._pairs_cfg or [dict(student=path) for path in find_generators(model)]
        pairs = [Pair.from_config(cfg, model) for cfg in pairs_cfg]
        for pair, cfg in zip(pairs, pairs_cfg, strict=True):
            preprocessor = unwrap(model).data_preprocessor
            pair.teacher = self._build_teacher(cfg.get('teacher', pair.path), preprocessor, pair.student)
            if pair.teacher is not None:
                pair.teacher.to(next(model.parameters()).device)
            for layer in filter(None, self._term_layers.values()):
                pair.watch(layer)
        return pairs

    def _build_teacher(self, path: str, preprocessor: nn.Module, student: nn.Module) -> nn.Module | None:
        if self.mi is not None and self.mi.target == 'ground_truth' and not (self.terms or self._layers):
            return None  # nothing would ever look at its images
        if self._teacher_cfg is None:
            raise ConfigError('default_hooks.distill.teacher is missing: set its `model` and `checkpoint`')
        return build_teacher(self._teacher_cfg, path, preprocessor, student)

    def _build_critics(self, device: torch.device) -> None:
        if self.mi is None:
            return
        self.critics = nn.ModuleDict({p.name: MODELS.build(self._critic_cfg) for p in self.pairs})
        self.critics.to(device)
        for tensor in self.critics.state_dict().values():
            dist.broadcast(tensor, src=0)
        self.optim_wrapper: OptimWrapper = build_optim_wrapper(self.critics, self._optim_cfg)

    def _load_resumed(self, runner: Runner) -> None:
        if self._resumed is None or self.mi is None:
            return
        if self._resumed.get('version') != CHECKPOINT_VERSION:
            raise ConfigError(
                f'the checkpoint to resume holds no critic (key {CHECKPOINT_KEY!r}, version '
                f'{CHECKPOINT_VERSION}): it is not from a distillation; start from it with load_from '
                'in place of resume'
            )
        self.critics.load_state_dict(self._resumed['critics'])
        self.optim_wrapper.load_state_dict(self._resumed['optim_wrapper'])
        self._resumed = None

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
        self._taps, self.pairs, self._log = [], [], {}
