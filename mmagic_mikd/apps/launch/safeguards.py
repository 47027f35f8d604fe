"""What only the built run shows: a data set without pictures, a checkpoint of another model."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.runner.loops import BaseLoop
from torch import Tensor

from ...host.locate import find_generators
from ...host.taps import unwrap
from ...utils.errors import ConfigError


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

    def before_test(self, runner: Runner) -> None:
        require_samples('test_dataloader', runner.test_loop)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        wanted = unwrap(runner.model).state_dict()
        state = checkpoint.get('state_dict', checkpoint)
        found = {key.removeprefix('module.'): value for key, value in state.items()}
        fitting = {key for key in wanted if same_shape(wanted[key], found.get(key))}
        needed = weights_of_generators(runner, wanted) if self.evaluates else set(wanted)
        missing = sorted(needed - fitting)
        if missing and (self.evaluates or not fitting):
            held = ', '.join(dict.fromkeys(key.partition('.')[0] for key in found)) or 'nothing'
            raise ConfigError(
                f'{runner._load_from} does not fit the `model` of the config: {len(missing)} of {len(needed)} '
                f'weights are missing or have another shape, the first is {missing[0]!r} (the file holds '
                f'{held}); give a checkpoint of this model, or the config of that one'
            )


def require_samples(key: str, loop: BaseLoop) -> None:
    """Refuse a data set without a sample: a sampler would look for one for ever."""
    for loader in getattr(loop, 'dataloaders', None) or [loop.dataloader]:
        if len(loader.dataset) == 0:
            root = getattr(loader.dataset, 'data_root', None)
            raise ConfigError(
                f'{key}.dataset found no sample in data_root={root}: put pictures there, or correct data_root, '
                'data_prefix and ann_file'
            )


def same_shape(wanted: Tensor, found: object) -> bool:
    return isinstance(found, Tensor) and found.shape == wanted.shape


def weights_of_generators(runner: Runner, wanted: dict[str, Tensor]) -> set[str]:
    """What decides over the images, averaged weights included; nothing where no generator can be told."""
    try:
        paths = find_generators(runner.model)
    except ConfigError:
        return set()
    heads = tuple(f'{head}.' for path in paths for head in (path, f'{path}_ema.module'))
    return {key for key in wanted if key.startswith(heads)}
