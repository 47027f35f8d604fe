"""The weights of a backbone, from a local file."""

from collections.abc import Mapping

from torch import nn

from ..compat.tensor_file import NotTensors, read
from ..teachers.entries import choose, entries, names
from ..teachers.weights import nearest, put
from ..utils.errors import ConfigError


def load_backbone(backbone: nn.Module, checkpoint: str, key: str) -> None:
    """Load every weight of ``backbone`` from a local file, safely; a classifier's head is left out.

    Args:
        key: the config key that names the file, for the error message.

    Raises:
        ConfigError: the file is absent or unreadable, or does not hold this network.
    """
    wanted, content = backbone.state_dict(), _read(checkpoint, key)
    found = entries(content, wanted)
    fitting = choose(found, 'backbone')
    if len(fitting) != 1:
        problem = nearest(wanted, found)
        if fitting:
            problem = f'{" and ".join(repr(entry.name) for entry in fitting)} fit, and differ'
        raise ConfigError(
            f'{key}={checkpoint} does not fit the backbone {type(backbone).__name__} ({problem}; the file '
            f'holds {names(content)}); give the file of exactly that network'
        )
    put(backbone, fitting[0], checkpoint)


def _read(checkpoint: str, key: str) -> Mapping:
    try:
        content = read(checkpoint)
    except FileNotFoundError:
        raise ConfigError(
            f'{key}={checkpoint} does not exist; set it to a local file with the weights of the '
            'backbone (nothing is downloaded), or take the metric out of the evaluator'
        ) from None
    except NotTensors as error:
        raise ConfigError(
            f'{key}={checkpoint} cannot be read as a file of tensors: it {error.reason}; {error.remedy}'
        ) from error
    if not isinstance(content, Mapping):
        raise ConfigError(
            f'{key}={checkpoint} holds a {type(content).__name__} without weights; use a file with a '
            '`state_dict`'
        )
    return content
