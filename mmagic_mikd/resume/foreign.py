"""Weights to start from, in whatever layout their file has them: `load_from`, and the checkpoint of a test."""

from mmengine.runner import Runner
from mmengine.runner.checkpoint import get_state_dict
from torch import Tensor

from ..host.locate import find_generators
from ..host.taps import resolve
from ..teachers.entries import choose, dictionaries, entries, names
from ..utils.errors import ConfigError


def require_weights(runner: Runner, checkpoint: dict, whole: bool = False) -> None:
    """Refuse a file of another model, which the toolbox would load without a word.

    Args:
        whole: whether it must hold all weights of the generators. A training may start from a part of a
            model, but not from nothing.

    Raises:
        ConfigError: naming the file.
    """
    wanted = get_state_dict(runner.model)  # as a checkpoint names them, whatever wraps the networks
    state = checkpoint.get('state_dict', checkpoint)
    found = {key.removeprefix('module.'): value for key, value in state.items()}
    fitting = {key for key in wanted if same_shape(wanted[key], found.get(key))}
    needed = weights_of_generators(runner, wanted) if whole else set(wanted)
    missing = sorted(needed - fitting)
    if missing and (whole or not fitting):
        raise ConfigError(
            f'{runner._load_from} does not fit the `model` of the config: {len(missing)} of {len(needed)} '
            f'weights are missing or have another shape, the first is {missing[0]!r} (the file holds '
            f'{names(checkpoint)}); give a checkpoint of this model, or the config of that one'
        )


def rearrange(runner: Runner, checkpoint: dict) -> None:
    """Weights of another trainer's layout go to where the toolbox looks for them; in place, and logged.

    A file of the toolbox, even of a part of the model, stays as it is.
    """
    wanted = get_state_dict(runner.model)

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
    state, used = {}, []
    wanted = set(get_state_dict(runner.model))
    for path in generators_of(runner):
        found = entries(checkpoint, get_state_dict(resolve(runner.model, path)))
        fitting = choose(found, path)
        if len(fitting) != 1:
            return '', {}
        used.append(fitting[0].name)
        for head in evaluated(path):
            named = {f'{head}.{key}': value for key, value in fitting[0].tensors.items()}
            state |= {key: value for key, value in named.items() if key in wanted}
    return ' and '.join(used), state


def same_shape(wanted: Tensor, found: object) -> bool:
    return isinstance(found, Tensor) and found.shape == wanted.shape


def weights_of_generators(runner: Runner, wanted: dict[str, Tensor]) -> set[str]:
    """What decides over the images, averaged weights included; nothing where no generator can be told."""
    own = {path: get_state_dict(resolve(runner.model, path)) for path in generators_of(runner)}
    return {f'{head}.{key}' for path, keys in own.items() for head in evaluated(path) for key in keys} & set(
        wanted
    )


def evaluated(path: str) -> tuple[str, ...]:
    """Where the weights of a generator may be: its own, a copy as Real-ESRGAN averages it, and an average."""
    return path, f'{path}_ema', f'{path}_ema.module'


def generators_of(runner: Runner) -> list[str]:
    try:
        return find_generators(runner.model)
    except ConfigError:
        return []
