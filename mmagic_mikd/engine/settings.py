"""What stands in `default_hooks.distill`, checked and in one spelling, whichever it was written in."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from torch import nn

from ..guard import DEFAULTS
from ..guard.symptoms import MODEL
from ..objectives.energy.langevin import check_sampler
from ..objectives.objective import Keys
from ..teachers.named import require_named, teachers_of
from ..utils.checks import proposal, require_known, short
from ..utils.errors import ConfigError
from ..utils.schema import a_dict, check, optional
from .old_spelling import OLD_KEYS, keys_of_old, translated
from .recipes import objectives_of, with_recipe
from .schema import COMPONENT, DISTILL, OBJECTIVE, OPTIM_WRAPPER, PAIRS, SCHEDULE, by_layer

KEY = 'default_hooks.distill'
NEW_KEYS = ('teacher', 'start', 'objectives', 'pairs', 'guard', 'recipe', 'frozen_statistics')


class Settings(NamedTuple):
    """The settings of a distillation.

    Attributes:
        teacher: see :func:`mmagic_mikd.teachers.build.build_teacher`, or several by name.
        start: what the student's training starts from, by path of the layer within the generator.
        objectives: config of each, by name.
        pairs: see :class:`Pair`; None for all generators.
        guard: see :class:`DivergenceGuard`.
        keys: where the settings of each objective stand.
        start_key: where ``start`` stands.
        learner: of every objective that learns and has none of its own; None in the present spelling, in
            which each kind of objective has its own default.
        frozen_statistics: the share of the training from which on batch statistics are frozen; None for never.
    """

    teacher: nn.Module | Mapping | None
    start: dict[str, str | Mapping]
    objectives: dict[str, dict]
    pairs: Sequence[Mapping] | None
    guard: Mapping | None
    keys: dict[str, Keys]
    start_key: str = f'{KEY}.start'
    learner: Mapping | None = None
    frozen_statistics: float | None = None

    @property
    def teachers(self) -> dict[str, nn.Module | Mapping | None]:
        """The settings of every teacher, by its name; that of an only one is ''."""
        return teachers_of(self.teacher)


def read(given: Mapping[str, Any]) -> Settings:
    """The settings of :class:`DistillRunner`, recipe and old spelling included.

    Raises:
        ConfigError: a key or a value that nobody knows, or both spellings at once.
    """
    given = {key: value for key, value in given.items() if value is not None or key == 'guard'}
    require_known(KEY, given, (*NEW_KEYS, *OLD_KEYS))
    old = [key for key in OLD_KEYS if key in given]
    new = [key for key in ('start', 'objectives') if key in given]
    if old and new:
        raise ConfigError(
            f'{KEY} has `{new[0]}` and, from before there was one, `{old[0]}`: {OLD_KEYS[old[0]]}, and leave '
            f'`{old[0]}` out'
        )
    _check_kinds(given)
    learner = None
    if old:
        given, learner = translated(given)
    own = {key: given[key] for key in ('start', 'objectives') if key in given}
    if isinstance(own.get('start'), Mapping):
        own['start'] = by_layer(own['start'])
    merged = with_recipe(f'{KEY}.recipe', given.get('recipe'), own)
    objectives = {name: cfg for name, cfg in merged.get('objectives', {}).items() if cfg is not None}
    if old:  # its critic and chain may stand there without a bound; and it came first
        objectives = {k: v for k, v in objectives.items() if k != 'mi' or 'type' in v}
        objectives = {name: objectives[name] for name in sorted(objectives, key=lambda name: name != 'mi')}
    keys = {name: keys_of_old(KEY, name) if old else keys_of(name) for name in objectives}
    for name, cfg in objectives.items():
        _check_objective(name, cfg, keys[name], given)
    return Settings(
        **{key: given.get(key) for key in ('teacher', 'pairs', 'frozen_statistics')},
        start=by_layer(merged.get('start', {})),
        objectives=objectives,
        guard=given.get('guard', DEFAULTS),
        keys=keys,
        start_key=f'{KEY}.layers' if old else f'{KEY}.start',
        learner=learner,
    )


def keys_of(name: str) -> Keys:
    """Where an objective's settings stand."""
    key = f'{KEY}.objectives.{name}'
    return Keys(
        *(f'{key}{part}' for part in ('', '.learner', '.critic', '.chain', '.learner.param_scheduler'))
    )


def _check_kinds(given: Mapping[str, Any]) -> None:
    check(KEY, {key: value for key, value in given.items() if value is not None}, DISTILL)
    PAIRS(f'{KEY}.pairs', given.get('pairs') or ())
    for group in ('terms', 'objectives'):
        for name, cfg in (given.get(group) or {}).items():
            optional(a_dict)(f'{KEY}.{group}.{name}', cfg)


def _check_objective(name: str, cfg: Mapping, keys: Keys, given: Mapping[str, Any]) -> None:
    """The options that every objective has; the others are its module's own."""
    key = keys.objective
    if not isinstance(name, str) or not name.isidentifier():
        raise ConfigError(
            f'{KEY}.objectives has the name {short(name)}: give it one of letters, digits and _'
        )
    if name == MODEL:  # the guard and a checkpoint keep what is the model's under it
        raise ConfigError(f'{KEY}.objectives has the name {name!r}, which is that of the model: give another')
    if 'type' not in cfg:
        known = objectives_of(given.get('recipe'))
        remedy = proposal(name, known, 'set it to that of a loss, such as PyramidLaplaceLoss')
        raise ConfigError(f'{key} has no `type`: {remedy}')
    check(key, cfg, OBJECTIVE)
    check_sampler(keys.chain, cfg.get('chain') or {})
    learner = dict(cfg.get('learner') or {})
    optional(SCHEDULE)(keys.schedule, learner.pop('param_scheduler', None))
    check(keys.learner, learner, OPTIM_WRAPPER)
    check(keys.critic or f'{key}.critic', cfg.get('critic') or {}, COMPONENT)
    require_named(f'{key}.teacher', cfg.get('teacher'), given.get('teacher'), f'{KEY}.teacher')
    _check_together(key, cfg)


def _check_together(key: str, cfg: Mapping) -> None:
    """What is for images only, and what for features."""
    if cfg.get('layer') is None:
        if cfg.get('adapter'):
            raise ConfigError(f'{key}.adapter is for the features of a layer: name that in `layer`')
        return
    for option in ('range', 'mask', 'target'):
        if cfg.get(option) not in (None, 'teacher'):
            raise ConfigError(f'{key}.{option} is for images, and `layer` names features: leave one out')
    if cfg.get('backbone') and not cfg.get('adapter'):
        raise ConfigError(
            f'{key}.backbone sees images, and `layer` names features: leave one out, or set `adapter`, such as '
            "dict(type='ConvModule', kernel_size=1), which makes images of the features of both networks"
        )
