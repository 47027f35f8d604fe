"""A trained generator from a config and a checkpoint, in its model, with what it is given in a test."""

import copy
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from ..host.hooks import without_nothing
from ..host.locate import find_generators
from ..host.taps import resolve, unwrap
from ..resume.foreign import rearrange, require_weights
from ..students.frozen_statistics import FrozenStatistics
from ..utils.errors import ConfigError
from ..utils.white import white_of
from .calls import Calls, of_evaluation
from .form import depends_on_batch, takes_latents
from .spec import Spec, multiple_of


class Student(NamedTuple):
    """A generator of a model of the toolbox, at ``path`` in it, and calls of it in a test."""

    runner: Runner
    path: str
    generator: nn.Module
    calls: Calls
    output: int | str | None

    def spec(self, statistics: str, scale: float) -> Spec:
        """Its interface, with these statistics of batch normalisation."""
        low, high = range_of(unwrap(self.runner.model).data_preprocessor)
        return Spec(
            kind='latent' if takes_latents(self.generator) else 'image',
            order=self.calls.order,
            output_order=self.calls.output_order,
            lowest=low,
            highest=high,
            multiple=multiple_of(self.generator),
            scale=scale,
            statistics=statistics if depends_on_batch(self.generator) else 'none',
            shape=tuple(self.calls.inputs[0].shape[1:]),
        )


class Whole(Hook):
    """Weights in any layout find their places; where one is missing, the toolbox would leave it random."""

    priority = 'HIGHEST'

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        rearrange(runner, checkpoint)
        require_weights(runner, checkpoint, whole=True)


def load_student(cfg: Config, checkpoint: str, images: int, path: str | None = None) -> Student:
    """The generator of a checkpoint, and what it makes of the first images of the test set.

    Args:
        images: of the test set, at most; with 0 no test is run.
        path: of the generator in the model; by default the one that the toolbox evaluates.

    Raises:
        ConfigError: there is no such generator, or the file does not hold all of its weights.
    """
    cfg = copy.deepcopy(cfg)
    # neither teacher nor critic is needed
    hooks = cfg.get('default_hooks') or {}
    distill = hooks.pop('distill', None) or {}
    hooks.pop('distill_pictures', None)
    without_nothing(cfg)
    cfg.load_from, cfg.launcher = checkpoint, 'none'
    cfg.work_dir = tempfile.mkdtemp(prefix='mikd_export_')  # a runner writes logs, which nobody wants here
    cfg.log_level = 'ERROR'
    try:
        return _loaded(cfg, distill, images, path)
    except BaseException:
        shutil.rmtree(cfg.work_dir, ignore_errors=True)
        raise


def _loaded(cfg: Config, distill: dict, images: int, path: str | None) -> Student:
    runner = Runner.from_cfg(cfg)
    runner.register_hook(Whole())
    if distill.get('frozen_statistics') is not None:
        runner.register_hook(FrozenStatistics(key='default_hooks.distill.frozen_statistics'))
    runner.load_or_resume()
    _freeze(runner)
    runner.model.eval()
    path = path or default_path(runner.model)
    generator = resolve(runner.model, path)
    if generator is None:
        names = ', '.join(find_generators(runner.model))
        raise ConfigError(f'--generator {path}: the model has none of this path (it has {names})')
    output = next((p.get('output') for p in distill.get('pairs') or () if p.get('student') == path), None)
    calls = of_evaluation(runner, generator, images, output) if images else Calls([], [])
    return Student(runner, path, generator, calls, output)


def _freeze(runner: Runner) -> None:
    """What a test of this config freezes before it begins; once, as another form may have nothing to freeze."""
    for hook in [hook for hook in runner.hooks if isinstance(hook, FrozenStatistics)]:
        hook.before_test(runner)
        runner.hooks.remove(hook)


def default_path(model: nn.Module) -> str:
    """Averages where the toolbox evaluates them; of several domains the one that it evaluates first."""
    inner = unwrap(model)
    first = find_generators(model)
    default = f'generators.{getattr(inner, "_default_domain", "")}'
    if resolve(model, 'generator_ema.module') is not None and takes_latents(inner.generator):
        return 'generator_ema.module'
    if getattr(inner, 'is_use_ema', False) and resolve(model, 'generator_ema') is not None:
        return 'generator_ema'
    return default if default in first else first[0]


def range_of(preprocessor: nn.Module) -> tuple[float, float]:
    """Black and white in the images of a generator, as its data preprocessor has them.

    Raises:
        ConfigError: they are not the same in all channels.
    """
    defaults = dict(mean=0.0, std=1.0)
    mean, std = (torch.as_tensor(getattr(preprocessor, k, d)).flatten() for k, d in defaults.items())
    if len({*mean.tolist()}) > 1 or len({*std.tolist()}) > 1:
        raise ConfigError(
            f'model.data_preprocessor normalises channels apart (mean {mean.tolist()}, std {std.tolist()}), '
            'which an exported file cannot say: train with one mean and one std'
        )
    return ((0.0 - mean[0]) / std[0]).item(), ((white_of(preprocessor) - mean[0]) / std[0]).item()


def clean_up(student: Student) -> None:
    """Remove what the runner has written."""
    shutil.rmtree(Path(student.runner.work_dir), ignore_errors=True)
