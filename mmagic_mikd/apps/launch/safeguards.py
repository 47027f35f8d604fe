"""What only the built run shows: a data set without pictures, a checkpoint of another model."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.runner.loops import BaseLoop
from torch import Tensor

from ...host.locate import find_generators
from ...host.taps import unwrap
from ...resume.sound import require_sound
from ...teachers.entries import choose, dictionaries, entries, names
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
        if runner._resume:
            self._check_resumed(runner, checkpoint)
        else:
            rearrange(runner, checkpoint)
        wanted = unwrap(runner.model).state_dict()
        state = checkpoint.get('state_dict', checkpoint)
        found = {key.removeprefix('module.'): value for key, value in state.items()}
        fitting = {key for key in wanted if same_shape(wanted[key], found.get(key))}
        needed = weights_of_generators(runner, wanted) if self.evaluates else set(wanted)
        missing = sorted(needed - fitting)
        if missing and (self.evaluates or not fitting):
            raise ConfigError(
                f'{runner._load_from} does not fit the `model` of the config: {len(missing)} of {len(needed)} '
                f'weights are missing or have another shape, the first is {missing[0]!r} (the file holds '
                f'{names(checkpoint)}); give a checkpoint of this model, or the config of that one'
            )

    def _check_resumed(self, runner: Runner, checkpoint: dict) -> None:
        """What a distillation says about another model, or of bare weights, comes first."""
        if 'optimizer' in checkpoint and 'message_hub' in checkpoint:
            require_sound(runner, checkpoint)


def rearrange(runner: Runner, checkpoint: dict) -> None:
    """Weights of another trainer's layout go to where the toolbox looks for them; in place, and logged.

    A file of the toolbox, even of a part of the model, stays as it is.
    """
    model = unwrap(runner.model)
    wanted = model.state_dict()

    def shared(tensors: dict) -> int:
        return sum(same_shape(wanted[key], tensors.get(key)) for key in wanted)

    state = checkpoint.get('state_dict', checkpoint)
    compiled = any('_orig_mod' in key for key in state)
    if shared({key.removeprefix('module.'): value for key, value in state.items()}) and not compiled:
        return
    name, best = max(dictionaries(checkpoint), key=lambda named: shared(named[1]), default=('', {}))
    if not shared(best):
        name, best = generators_in(runner, checkpoint)
    if best:
        checkpoint['state_dict'] = best
        runner.logger.info(f'{runner._load_from}: the weights in its entry {name!r} are used.')


def generators_in(runner: Runner, checkpoint: dict) -> tuple[str, dict[str, Tensor]]:
    """Bare generators in a file, under their names in the model; averages take what the file has."""
    model, state, used = unwrap(runner.model), {}, []
    wanted = set(model.state_dict())
    for path in generators_of(runner):
        found = entries(checkpoint, model.get_submodule(path).state_dict())
        fitting = choose(found, path)
        if len(fitting) != 1:
            return '', {}
        used.append(fitting[0].name)
        for head in (path, f'{path}_ema.module'):
            named = {f'{head}.{key}': value for key, value in fitting[0].tensors.items()}
            state |= {key: value for key, value in named.items() if key in wanted}
    return ' and '.join(used), state


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
    heads = tuple(f'{head}.' for path in generators_of(runner) for head in (path, f'{path}_ema.module'))
    return {key for key in wanted if key.startswith(heads)}


def generators_of(runner: Runner) -> list[str]:
    try:
        return find_generators(runner.model)
    except ConfigError:
        return []
