"""From `default_hooks.distill.teacher` and `pairs` to the pairs of student and teacher."""

from collections.abc import Mapping

from mmengine.runner import Runner

from ..host.locate import find_generators
from ..host.taps import unwrap
from ..teachers.build import build_teacher, check_place, check_preprocessing, require_match
from ..teachers.image_cache import ImageCache
from ..utils.checks import require_switch
from ..utils.errors import ConfigError
from .pair import Pair
from .settings import KEY, Settings


def build_pairs(settings: Settings, runner: Runner) -> list[Pair]:
    """A pair for each generator, with a teacher where anything looks at one.

    Raises:
        ConfigError: a path leads nowhere, or the teacher cannot be built.
    """
    require_one_hook(runner)
    model, teacher = runner.model, settings.teacher
    if isinstance(teacher, Mapping):
        check_place(teacher, runner.work_dir)
        check_preprocessing(teacher, unwrap(model))
    cfgs = settings.pairs or [dict(student=path) for path in find_generators(model)]
    pairs = [Pair.from_config(cfg, model) for cfg in cfgs]
    require_different(pairs)
    if not _asks_teacher(settings):
        return pairs
    if teacher is None:
        raise ConfigError(f'{KEY}.teacher is missing: set its `model` and `checkpoint`')
    resize = isinstance(teacher, Mapping) and teacher.get('resize', False)
    require_switch(f'{KEY}.teacher.resize', resize)
    for pair, cfg in zip(pairs, cfgs, strict=True):
        preprocessor = unwrap(model).data_preprocessor
        pair.teacher = build_teacher(
            teacher, cfg.get('teacher', pair.path), preprocessor, pair.student, cfg.get('value_range')
        )
        pair.resize = resize
        require_match(pair.teacher, pair.student, resize)
        pair.teacher.to(next(model.parameters()).device)
        if isinstance(teacher, Mapping) and teacher.get('cache') is not None:
            require_images_alone(settings)
            pair.cache = ImageCache.from_config(teacher, pair.teacher, [pair.path, cfg.get('output')])
    return pairs


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


def require_images_alone(settings: Settings) -> None:
    """A cache keeps images; what the layers of a teacher made of them is not in it."""
    for name, cfg in settings.objectives.items():
        if cfg.get('layer') is not None:
            raise ConfigError(
                f'{KEY}.teacher.cache keeps images, {settings.keys[name].objective}.layer asks for features: '
                'leave one of the two out'
            )


def _asks_teacher(settings: Settings) -> bool:
    """Whether anything will ever look at its images or its weights."""
    return bool(settings.start) or any(
        cfg.get('layer') or cfg.get('target', 'teacher') == 'teacher' for cfg in settings.objectives.values()
    )
