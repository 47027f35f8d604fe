"""What only the built run shows: no pictures, a checkpoint of another model, images of another size."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.runner.loops import BaseLoop, TestLoop, ValLoop

from ...resume.foreign import rearrange, require_weights
from ...resume.sound import require_sound
from ...utils.errors import ConfigError
from .first_images import require_same_images


class Safeguards(Hook):
    """Refuses what the toolbox would wait for without end, or would ignore.

    Args:
        evaluates: whether the checkpoint must hold all weights of the generators. A training may start
            from a part of a model, but not from nothing.

    Raises:
        ConfigError: naming the key of the config or the checkpoint.
    """

    priority = 'HIGHEST'

    def __init__(self, evaluates: bool = False) -> None:
        self.evaluates = evaluates

    def before_train(self, runner: Runner) -> None:
        require_samples('train_dataloader', runner.train_loop)
        require_same_images(runner)
        require_loop('val', runner.val_loop)

    def before_test(self, runner: Runner) -> None:
        require_samples('test_dataloader', runner.test_loop)
        require_loop('test', runner.test_loop)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if runner._resume:
            self._check_resumed(runner, checkpoint)
        else:
            rearrange(runner, checkpoint)
        require_weights(runner, checkpoint, whole=self.evaluates)

    def _check_resumed(self, runner: Runner, checkpoint: dict) -> None:
        """What a distillation says about another model, or of bare weights, comes first."""
        if 'optimizer' in checkpoint and 'message_hub' in checkpoint:
            require_sound(runner, checkpoint)


def require_samples(key: str, loop: BaseLoop) -> None:
    """Refuse a data set without a sample: a sampler would look for one for ever."""
    for loader in getattr(loop, 'dataloaders', None) or [loop.dataloader]:
        if len(loader.dataset) == 0:
            root = getattr(loader.dataset, 'data_root', None)
            raise ConfigError(
                f'{key}.dataset found no sample in data_root={root}: put pictures there, or correct data_root, '
                'data_prefix and ann_file'
            )


def require_loop(phase: str, loop: BaseLoop | None) -> None:
    """Refuse a loop of MMEngine's for the toolbox's metrics, which it calls in another way: a TypeError."""
    if type(loop) not in (ValLoop, TestLoop):
        return
    from mmagic.evaluation import Evaluator
    from mmagic.evaluation.metrics.base_gen_metric import GenMetric
    from mmagic.evaluation.metrics.base_sample_wise_metric import BaseSampleWiseMetric

    theirs = any(isinstance(metric, GenMetric | BaseSampleWiseMetric) for metric in loop.evaluator.metrics)
    if theirs or isinstance(loop.evaluator, Evaluator):
        name = type(loop).__name__
        raise ConfigError(
            f"{phase}_cfg.type={name!r} cannot call the toolbox's metrics: set it to 'Multi{name}', and "
            f"{phase}_evaluator to dict(type='Evaluator', metrics=[...])"
        )
