"""The end of a training that a guard wants to end: nothing finished is lost, and one sentence says why."""

import os

from mmengine import dist
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from ..utils.errors import ConfigError
from .finite import not_finite


def end_training(runner: Runner, reason: str, lost: bool) -> None:
    """Leave the finished iterations behind and end with ``reason``, in every process.

    Args:
        lost: the student is worth no checkpoint any more; the last one is named.

    Raises:
        ConfigError: always.
    """
    saved = None if lost else _save(runner)
    if saved:
        kept = f'the model after iteration {runner.iter} is in {saved}'
    else:
        last = last_checkpoint(runner)
        kept = f'the last finite checkpoint is {last}' if last else 'there is no checkpoint before it'
    raise ConfigError(f'{reason}; {kept}')


def last_checkpoint(runner: Runner) -> str | None:
    """Where the run, or the one that it goes on from, has last saved itself."""
    return runner.message_hub.runtime_info.get('last_ckpt')


def _save(runner: Runner) -> str | None:
    """A checkpoint of the finished iterations, made as the toolbox makes its own; None if it is not finite."""
    meta = dict(epoch=runner.epoch, iter=runner.iter)
    hook = next(
        (hook for hook in runner.hooks if isinstance(hook, CheckpointHook) and not hook.by_epoch), None
    )
    if hook is not None:  # so that --resume finds it
        hook.last_ckpt = None
        hook._save_checkpoint_with_step(runner, runner.iter, meta)
        path = hook.last_ckpt
    elif not_finite(runner, {}, ()):
        path = None
    else:
        path = os.path.join(runner.work_dir, f'iter_{runner.iter}.pth')
        runner.save_checkpoint(*os.path.split(path), meta=meta, by_epoch=False)
    dist.barrier()  # a process that ends makes the launcher end the one that still writes
    return path
