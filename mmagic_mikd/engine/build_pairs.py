"""From `default_hooks.distill.teacher` and `pairs` to the pairs of student and teacher."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

from mmengine.runner import Runner
from torch import nn

from ..host.locate import find_generators
from ..host.taps import unwrap
from ..teachers.build import build_teacher, check_place, check_preprocessing, require_match
from ..teachers.image_cache import ImageCache
from ..teachers.online import online_teacher
from ..teachers.weights import is_copy
from ..utils.checks import require_switch
from ..utils.errors import ConfigError, renamed
from .pair import Pair
from .settings import KEY, Settings


def build_pairs(settings: Settings, runner: Runner) -> list[Pair]:
    """A pair for each generator, with a teacher where anything looks at one.

    Raises:
        ConfigError: a path leads nowhere, or the teacher cannot be built.
    """
    require_one_hook(runner)
    model, names = runner.model, _names(settings)
    cfgs = settings.pairs or [dict(student=path) for path in find_generators(model)]
    pairs = {name: [Pair.from_config(cfg, model, name) for cfg in cfgs] for name in names}
    for name in names:
        require_different(pairs[name])
        with named(name):
            _teach(pairs[name], cfgs, settings, runner, settings.teachers[name])
    return [pair for of_one in zip(*pairs.values(), strict=True) for pair in of_one]


def _teach(
    pairs: Sequence[Pair],
    cfgs: Sequence[Mapping],
    settings: Settings,
    runner: Runner,
    teacher: nn.Module | Mapping | None,
) -> None:
    """Give all students this teacher, where anything looks at one."""
    model = unwrap(runner.model)
    if isinstance(teacher, Mapping):
        check_place(teacher, runner.work_dir)
        check_preprocessing(teacher, model)
    if not _asks_teacher(settings):
        return
    if teacher is None:
        raise ConfigError(f'{KEY}.teacher is missing: set its `model` and `checkpoint`')
    resize = isinstance(teacher, Mapping) and teacher.get('resize', False)
    require_switch(f'{KEY}.teacher.resize', resize)
    for pair, cfg in zip(pairs, cfgs, strict=True):
        path, students_range = cfg.get('teacher', pair.path), cfg.get('value_range')
        if isinstance(teacher, Mapping) and 'online' in teacher:
            pair.teacher = online_teacher(teacher, model, pair.student)
        else:
            pair.teacher = build_teacher(teacher, path, model.data_preprocessor, pair.student, students_range)
        pair.resize = resize
        require_match(pair.teacher, pair.student, resize)
        pair.teacher.to(next(model.parameters()).device)
        if isinstance(teacher, Mapping) and teacher.get('cache') is not None:
            require_images_alone(settings)
            pair.cache = ImageCache.from_config(teacher, pair.teacher, [pair.path, cfg.get('output')])
    if isinstance(teacher, Mapping) and not {'type', 'online'} & teacher.keys():
        require_own_teachers(pairs, cfgs, teacher.get('checkpoint'))


def named(name: str) -> AbstractContextManager[None]:
    """Sentences on the teacher name the one of several that they are about."""
    key = f'{KEY}.teacher'
    return renamed({key: f'{key}.{name}'} if name else {})


def require_one_hook(runner: Runner) -> None:
    """Two of them would each add the same losses, and write the same entry of a checkpoint."""
    ours = [hook for hook in runner.hooks if isinstance(getattr(hook, 'settings', None), Settings)]
    if len(ours) > 1:
        raise ConfigError(
            f'the config has {len(ours)} hooks DistillRunner: write all `objectives` into {KEY}, and take the '
            'others out of default_hooks and custom_hooks'
        )


def require_different(pairs: list[Pair]) -> None:
    """One network twice would have its losses twice."""
    for index, pair in enumerate(pairs):
        if any(pair.student is other.student for other in pairs[:index]):
            raise ConfigError(
                f'{KEY}.pairs[{index}].student={pair.path!r} is in `pairs` twice: leave one out; for more '
                'weight raise `loss_weight`'
            )


def require_own_teachers(pairs: Sequence[Pair], cfgs: Sequence[Mapping], checkpoint: object) -> None:
    """Bare weights of one generator fit every generator of its size, of CycleGAN those of both directions."""
    known: dict[str, nn.Module] = {}
    for pair, cfg in zip(pairs, cfgs, strict=True):
        path = cfg.get('teacher', pair.path)
        for other, teacher in known.items():
            if path != other and is_copy(teacher, pair.teacher):
                raise ConfigError(
                    f'{KEY}.teacher.checkpoint={checkpoint} gives {other!r} and {path!r} the same weights: use '
                    'a checkpoint of the whole model, or name the one generator that it is of by '
                    f'{KEY}.pairs=[dict(student={path!r})]'
                )
        known[path] = pair.teacher


def require_images_alone(settings: Settings) -> None:
    """A cache keeps images; what the layers of a teacher made of them is not in it."""
    for name, cfg in settings.objectives.items():
        if cfg.get('layer') is not None:
            raise ConfigError(
                f'{KEY}.teacher.cache keeps images, {settings.keys[name].objective}.layer asks for features: '
                'leave one of the two out'
            )


def _names(settings: Settings) -> list[str]:
    """Of the teachers that anything will look at; the first one's if nothing will."""
    names, asked = list(settings.teachers), _asks_teacher(settings)
    for name in names:
        if name and not name.isidentifier():
            raise ConfigError(f'{KEY}.teacher has the name {name!r}: give it one of letters, digits and _')
    return [name for name in names if name in asked or None in asked] or names[:1]


def _looks_through_teacher(cfg: Mapping) -> bool:
    backbone = cfg.get('backbone')
    return (backbone.get('type') if isinstance(backbone, Mapping) else backbone) == 'generator'


def _asks_teacher(settings: Settings) -> list[str | None]:
    """The names of those whose images or weights something will look at; None stands for all."""
    asking = [
        cfg.get('teacher')
        for cfg in settings.objectives.values()
        if cfg.get('layer') or cfg.get('target', 'teacher') == 'teacher' or _looks_through_teacher(cfg)
    ]
    return asking + [next(iter(settings.teachers))] * bool(settings.start)
