"""Whether a checkpoint to resume has what the toolbox is about to take from it, before it takes any of it."""

from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.optim import OptimWrapperDict
from mmengine.runner import Runner

from ..host.optimiser_state import unlike
from ..utils.checks import short
from ..utils.errors import ConfigError


def require_sound(runner: Runner, checkpoint: Mapping) -> None:
    """Refuse what would end in a traceback, in a silent fresh start, or in drawing batches for days.

    Raises:
        ConfigError: naming the entry of the checkpoint.
    """
    where = f'the checkpoint to resume ({runner._load_from or f"the newest in {runner.work_dir}"})'
    for problem in (*_of_meta(checkpoint), *_of_hub(checkpoint), *_of_optimisers(runner, checkpoint)):
        raise ConfigError(
            f'{where} cannot be gone on from: {problem}; resume from one that this config wrote, or start from '
            'its weights with load_from in place of resume'
        )
    _require_more_to_do(runner, checkpoint['meta'], where)


def _of_meta(checkpoint: Mapping) -> Iterator[str]:
    meta = checkpoint.get('meta')
    if not isinstance(meta, Mapping):
        yield f'its `meta` is {short(meta)}'
        return
    for name in ('epoch', 'iter'):
        count = meta.get(name)
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            yield f'its `meta.{name}` is {short(count)}, no count'
    if not isinstance(meta.get('seed'), int | None):
        yield f'its `meta.seed` is {short(meta["seed"])}, no seed'
    if 'mikd' in checkpoint and not isinstance(checkpoint['mikd'], Mapping):
        yield f'its `mikd`, what the distillation has learned, is {short(checkpoint["mikd"])}'


def _of_hub(checkpoint: Mapping) -> Iterator[str]:
    hub = checkpoint.get('message_hub', {})
    parts = ('log_scalars', 'runtime_info', 'resumed_keys')
    if hub != {} and not (
        isinstance(hub, Mapping) and all(isinstance(hub.get(part), Mapping) for part in parts)
    ):
        yield f'its `message_hub` is {short(hub)}'
    elif hub:
        for name, value in hub['runtime_info'].items():
            if (
                name.startswith('best_score')
                and not isinstance(value, int | float)
                and not hasattr(value, 'ndim')
            ):
                yield f'its `message_hub` has {name}={short(value)}, no number'
            if name == 'keep_ckpt_ids' and not (
                isinstance(value, list) and all(isinstance(step, int) for step in value)
            ):
                yield f'its `message_hub` has {name}={short(value)}, no steps'
            if name in ('last_ckpt', 'best_ckpt') and not isinstance(value, str | None):
                yield f'its `message_hub` has {name}={short(value)}, no path'


def _of_optimisers(runner: Runner, checkpoint: Mapping) -> Iterator[str]:
    if 'optimizer' not in checkpoint:
        return
    saved, wrapper = checkpoint['optimizer'], runner.optim_wrapper
    if not isinstance(wrapper, OptimWrapperDict):
        if problem := unlike(saved, wrapper.optimizer):
            yield f'its `optimizer` is not that of optim_wrapper ({problem})'
        return
    if not isinstance(saved, Mapping) or saved.keys() != dict(wrapper.items()).keys():
        yield f'its `optimizer` is {short(saved)}, and optim_wrapper has {", ".join(dict(wrapper.items()))}'
        return
    for name, each in wrapper.items():
        if problem := unlike(saved[name], each.optimizer):
            yield f'its `optimizer` is not that of optim_wrapper.{name} ({problem})'


def _require_more_to_do(runner: Runner, meta: Mapping[str, Any], where: str) -> None:
    """The toolbox would first draw, and throw away, every batch that it says was used."""
    by_epoch = hasattr(runner.train_loop, 'run_epoch')
    key, name = ('max_epochs', 'epoch') if by_epoch else ('max_iters', 'iter')
    end = getattr(runner.train_loop, key)
    if meta[name] > end:
        raise ConfigError(
            f'{where} has {meta[name]} {name}s behind it (meta.{name}), more than train_cfg.{key}={end}: raise '
            f'{key}, or resume from an earlier one'
        )
