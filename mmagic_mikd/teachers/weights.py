"""One network's weights from a checkpoint of the toolbox, or from a bare state dictionary."""

import os

import torch
from torch import Tensor, nn

from ..utils.errors import ConfigError

KEY = 'default_hooks.distill.teacher'


def load_network(network: nn.Module, checkpoint: str, path: str, student: nn.Module | None = None) -> None:
    """Load all weights of ``network`` from a file or URL, safely; averaged (EMA) ones where there are any.

    Raises:
        ConfigError: the file is absent or unreadable, or holds no network of these names and shapes.
    """
    state = _read(checkpoint)
    found, problem = _find(network, state, path)
    if problem and student is not None and _find(student, state, path)[1] is None:
        raise ConfigError(
            f'{KEY}.checkpoint={checkpoint} holds the student at {path!r}, not its teacher; point it at the '
            'checkpoint of the teacher'
        )
    if problem:
        names = ', '.join(dict.fromkeys(key.split('.')[0] for key in state)) or 'nothing'
        raise ConfigError(
            f'{KEY}.checkpoint={checkpoint} does not fit the teacher at {path!r}: {problem} (the file holds '
            f'{names}); point it at a checkpoint of exactly that network'
        )
    network.load_state_dict(found)


def is_copy(network: nn.Module, other: nn.Module) -> bool:
    """Whether both have the same weights under the same names."""
    mine, theirs = dict(network.named_parameters()), dict(other.named_parameters())
    return mine.keys() == theirs.keys() and all(torch.equal(mine[key], theirs[key]) for key in mine)


def _find(network: nn.Module, state: dict[str, Tensor], path: str) -> tuple[dict[str, Tensor], str | None]:
    """The weights that fit ``network`` best, and what is wrong with them."""
    wanted = network.state_dict()
    prefixes = [f'{path}.', '']
    if path == 'generator':
        prefixes = ['generator_ema.module.', 'generator_ema.', *prefixes]
    candidates = [
        {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}
        for prefix in prefixes
    ]
    best = min(candidates, key=lambda candidate: len(wanted.keys() - candidate.keys()))
    problem = _mismatch(wanted, best)
    return ({} if problem else {key: best[key] for key in wanted}), problem


def _mismatch(wanted: dict[str, Tensor], found: dict[str, Tensor]) -> str | None:
    missing = [key for key in wanted if key not in found]
    if missing:
        return f'{len(missing)} of {len(wanted)} weights are missing, the first is {missing[0]!r}'
    for key, tensor in wanted.items():
        if tensor.shape != found[key].shape:
            return f'{key!r} has shape {tuple(found[key].shape)}, wanted {tuple(tensor.shape)}'
    return None


def _read(checkpoint: str) -> dict[str, Tensor]:
    """The state dictionary in a checkpoint; only tensors and plain containers are ever unpickled."""
    if not isinstance(checkpoint, str):
        raise ConfigError(f'{KEY}.checkpoint={checkpoint!r} must be a text, the name of a file or URL')
    options = dict(map_location='cpu', weights_only=True)
    try:
        if checkpoint.startswith(('http://', 'https://')):
            content = torch.hub.load_state_dict_from_url(checkpoint, **options)
        else:
            content = torch.load(os.path.expanduser(checkpoint), **options)
    except FileNotFoundError:
        raise ConfigError(
            f'{KEY}.checkpoint={checkpoint} does not exist: train the teacher first or correct the path'
        ) from None
    except Exception as error:
        raise ConfigError(
            f'{KEY}.checkpoint={checkpoint} cannot be read as a checkpoint of tensors '
            f'({type(error).__name__}); use a file written by torch.save or by the toolbox'
        ) from error
    state = content.get('state_dict', content) if isinstance(content, dict) else None
    if not isinstance(state, dict):
        raise ConfigError(
            f'{KEY}.checkpoint={checkpoint} holds a {type(content).__name__} without weights; use a file '
            'with a `state_dict`'
        )
    return {key: value for key, value in state.items() if isinstance(value, Tensor)}
