"""A student whose teachers are trained in the same run."""

import copy
import math
from collections.abc import Sequence

import torch
from mmagic.models.editors.pix2pix import Pix2Pix
from mmagic.models.utils import set_requires_grad
from mmengine import MessageHub
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.registry import MODELS
from torch import Tensor, nn

from ..host.locate import wrappers_of
from ..host.taps import StepTap
from ..utils.checks import proposal, require_number, short
from ..utils.errors import ConfigError

PREFIX = 'teacher_'


class OnlineTeachers(Pix2Pix):
    """One small generator, without discriminator and ground truth, beside a model that trains its teachers.

    All that the student learns from are the objectives of ``default_hooks.distill``, whose teachers are
    networks of this model: ``teacher=dict(online='teacher_generators.wide')``. This is the base of Ren et
    al., "Online Multi-Granularity Distillation for GAN Compression", ICCV 2021. It is evaluated as Pix2Pix
    is, and ``generators`` in its checkpoint is that of a plain Pix2Pix.

    Args:
        generator: config of the student.
        teachers: config of a translation model with ``generators`` and ``discriminators``, ``JointPix2Pix`` or
            the toolbox's ``CycleGAN``. Its networks are ``teacher_generators`` and ``teacher_discriminators``
            here, as in ``optim_wrapper``; it has the student's ``data_preprocessor``.
        every: the teachers take a step in one of so many iterations, the student in each.
        phases: in place of ``every``, how many iterations the teachers train alone and then, how many the
            student, in turn. It learns from ``chosen``, the teacher of ``default_domain`` as it was when the
            hook ``TeacherSelection`` found it best.
        kwargs: those of ``Pix2Pix``.

    Raises:
        ConfigError: the teachers have none of `default_domain` to choose, or other domains; in training,
            nobody chooses one, or there are no optimisers for them.
    """

    def __init__(
        self,
        generator: dict,
        teachers: dict,
        every: int = 1,
        phases: Sequence[int] | None = None,
        discriminator: None = None,
        **kwargs,
    ) -> None:
        super().__init__(generator, None, **kwargs)
        _require_turns(every, phases)
        self.every, self.phases = every, phases
        self.selects = False  # set by the hook that will call `choose`
        model = MODELS.build(dict(data_preprocessor=self.data_preprocessor) | teachers)
        _require_domains(model, self._related_domains)
        model.data_preprocessor = self.data_preprocessor
        vars(self)['teachers'] = (
            model  # no child: its networks are, so that each is wrapped and trained as ours
        )
        self.teacher_generators, self.teacher_discriminators = model.generators, model.discriminators
        self.image_buffers = getattr(model, 'image_buffers', {})  # where a checkpoint looks for them
        if phases:
            if self._default_domain not in model.generators:
                raise ConfigError(
                    f'model.phases: {type(model).__name__} has no generator of default_domain='
                    f'{self._default_domain!r} to choose; use `every`'
                )
            self.register_buffer('best_score', torch.tensor(math.inf))
            self.chosen = copy.deepcopy(model.generators[self._default_domain])
            set_requires_grad(self.chosen, False)

    def init_weights(self) -> None:
        super().init_weights()
        self.teachers.init_weights()

    # ---- training -------------------------------------------------------------------------------

    def train_step(self, data: dict, optim_wrapper: OptimWrapperDict) -> dict[str, Tensor]:
        """The student's images, then the teachers' step, then the student's: on images from before that."""
        self._require_equipment(optim_wrapper)
        studies, teaches = self.plan(MessageHub.get_current_instance().get_info('iter'))
        if studies:
            self._run_student(data, optim_wrapper['generators'])
        log = self._train_teachers(data, optim_wrapper) if teaches else {}
        if studies:
            self._update_student(optim_wrapper['generators'])
        return log

    def plan(self, iteration: int) -> tuple[bool, bool]:
        """Whether the student, and whether the teachers learn in this iteration, counted from 0."""
        if self.phases is None:
            return True, iteration % self.every == 0
        teaching, studying = self.phases
        teaches = iteration % (teaching + studying) < teaching
        return not teaches, teaches

    def _run_student(self, data: dict, learns: OptimWrapper) -> None:
        """Here the hook sees the student's images, and asks the teachers for theirs."""
        if self.phases and not self.best_score.isfinite():
            raise ConfigError(
                "model.phases: the student's first phase begins and no teacher has been chosen, as none had a "
                'score that is a number; look at the losses of the teachers'
            )
        source = self.get_other_domains(self._default_domain)[0]
        image = self.data_preprocessor(data, True)['inputs'][f'img_{source}']
        with learns.optim_context(self.generators):
            self.translation(image)

    def _train_teachers(self, data: dict, optim_wrapper: OptimWrapperDict) -> dict[str, Tensor]:
        own = {name.removeprefix(PREFIX): wrapper for name, wrapper in optim_wrapper.items()}
        log = self.teachers.train_step(data, {name: own[name] for name in ('generators', 'discriminators')})
        return {f'{PREFIX}{name}': value for name, value in log.items()}

    def _update_student(self, learns: OptimWrapper) -> None:
        """By a loss of nothing, which the objectives join; without any there is no step to scale."""
        weights = list(self.generators.parameters())
        tap = StepTap(learns, lambda: any(weight.grad is not None for weight in weights))
        nothing = torch.zeros((), device=self.data_preprocessor.device, requires_grad=True)
        try:
            with learns.optim_context(self.generators):
                learns.update_params(nothing)
        finally:
            tap.remove()

    def _require_equipment(self, optim_wrapper: OptimWrapperDict) -> None:
        """What a training needs beside the model, before its first step."""
        if self.phases and not (self.selects or self.best_score.isfinite()):
            raise ConfigError(
                'model.phases: nobody chooses the teacher that the student is to learn from; put '
                "dict(type='TeacherSelection', ...) into custom_hooks"
            )
        for name in ('generators', f'{PREFIX}generators', f'{PREFIX}discriminators'):
            if name not in wrappers_of(optim_wrapper):
                raise ConfigError(
                    f'optim_wrapper.{name} is missing: set it as for `generators`, and `constructor` to '
                    "'MultiOptimWrapperConstructor'"
                )

    # ---- the teacher that is chosen ---------------------------------------------------------------

    def choose(self, score: float) -> bool:
        """Keep the teacher as it is now if no score was lower; whether it was."""
        if not score < self.best_score:
            return False
        self.best_score.fill_(score)
        self.chosen.load_state_dict(self.teachers.generators[self._default_domain].state_dict())
        return True


def _require_turns(every: int, phases: Sequence[int] | None) -> None:
    require_number('model.every', every, least=1, whole=True)
    if phases is None:
        return
    if not isinstance(phases, Sequence) or isinstance(phases, str) or len(phases) != 2:
        raise ConfigError(
            f'model.phases={short(phases)} must be two numbers, (iterations of the teachers, of the student)'
        )
    for index, count in enumerate(phases):
        require_number(f'model.phases[{index}]', count, least=1, whole=True)
    if every != 1:
        raise ConfigError(f'model.every={every} and model.phases={short(phases)}: leave one out')


def _require_domains(teachers: nn.Module, domains: Sequence[str]) -> None:
    """Those that they look for in a batch are among those of the student."""
    for key in ('source', 'target'):
        name = getattr(teachers, key, domains[0])
        if name not in domains:
            raise ConfigError(
                f'model.teachers.{key}={name!r} is no related domain: {proposal(str(name), domains)}'
            )
