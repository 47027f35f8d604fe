"""One network's weights from whatever a trainer has written: found, checked, loaded, or a sentence."""

from collections.abc import Mapping
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from ..compat.tensor_file import NotTensors, read, read_url
from ..utils.errors import ConfigError
from .entries import Entry, choose, entries, named, names

KEY = 'default_hooks.distill.teacher'


def load_network(
    network: nn.Module,
    checkpoint: str,
    path: str,
    student: nn.Module | None = None,
    entry: str | None = None,
) -> None:
    """Load all weights of ``network`` from a file or URL, safely; averaged (EMA) ones where there are any.

    Args:
        entry: where in the file they are, such as 'params' or 'state_dict.netG'; None for what fits.

    Raises:
        ConfigError: the file is absent or unreadable, or holds no network of these names and shapes.
    """
    name = f'{KEY}.checkpoint={checkpoint}'
    if not network.state_dict():
        raise ConfigError(f'{name}: the teacher at {path!r} has no weights; leave `checkpoint` out')
    content = read_content(name, checkpoint)
    found = entries(content, network.state_dict())
    fitting = named(found, entry) if entry else choose(found, path)
    if len(fitting) == 1 and fitting[0].problem is None:
        put(network, fitting[0], checkpoint)
        return
    if student is not None and choose(entries(content, student.state_dict()), path):
        raise ConfigError(
            f'{name} holds the student at {path!r}, not its teacher; point it at the checkpoint of the teacher'
        )
    raise ConfigError(f'{name} {_why(network, content, found, fitting, path, entry)}')


def put(network: nn.Module, entry: Entry, checkpoint: str) -> None:
    """Load an entry that fits, and say which where the file might have another."""
    missing = {key: value for key, value in network.state_dict().items() if key not in entry.tensors}
    network.load_state_dict({**entry.tensors, **missing})
    if entry.averaged or entry.name not in ('', 'state_dict', entry.path, f'state_dict.{entry.path}'):
        kind = 'averaged (EMA) weights' if entry.averaged else 'weights'
        print_log(f'{checkpoint}: the {kind} in its entry {entry.name!r} are used.', logger='current')


def is_copy(network: nn.Module, other: nn.Module) -> bool:
    """Whether both have the same weights under the same names."""
    mine, theirs = dict(network.named_parameters()), dict(other.named_parameters())
    return mine.keys() == theirs.keys() and all(torch.equal(mine[key], theirs[key]) for key in mine)


def read_content(name: str, checkpoint: str) -> Mapping[str, Any]:
    """The dictionary in a file or behind a URL; only tensors and plain containers are ever unpickled.

    Args:
        name: key and file, for messages.

    Raises:
        ConfigError: there is none.
    """
    if not isinstance(checkpoint, str):
        raise ConfigError(f'{name} must be a text, the name of a file or URL')
    fetch = read_url if checkpoint.startswith(('http://', 'https://')) else read
    try:
        content = fetch(checkpoint)
    except FileNotFoundError:
        raise ConfigError(f'{name} does not exist: train the teacher first or correct the path') from None
    except NotTensors as error:
        raise ConfigError(
            f'{name} cannot be read as a checkpoint of tensors: it {error.reason}; {error.remedy}'
        ) from error
    if not isinstance(content, Mapping):
        raise ConfigError(
            f'{name} holds a {type(content).__name__} without weights; use a file with a `state_dict`'
        )
    return content


def nearest(wanted: Mapping[str, Tensor], found: list[Entry]) -> str:
    """What is wrong with the entry that comes nearest to a network, for a sentence."""
    if not found:
        return (
            f'{len(wanted)} of {len(wanted)} weights are missing, the first is {next(iter(wanted), None)!r}'
        )
    problem = found[0].problem or 'it is another generator of the model'
    return f'{problem} in its entry {found[0].name!r}' if found[0].name else problem


def _why(
    network: nn.Module,
    content: Mapping,
    found: list[Entry],
    fitting: list[Entry],
    path: str,
    entry: str | None,
) -> str:
    """Why none of the entries was taken, and what to do."""
    where = f'does not fit the teacher at {path!r}'
    if len(fitting) > 1:
        listed = ', '.join(repr(each.name) for each in fitting)
        count = len(fitting)
        return f'has {count} entries that fit the teacher at {path!r}: choose one by teacher.entry, {listed}'
    if entry and not fitting:
        listed = ', '.join(repr(each.name) for each in found[:8]) or 'none'
        return f'has no weights of the teacher in {entry!r}: set teacher.entry to one of these, {listed}'
    others = [each.path for each in found if each.problem is None]
    if others and not entry:
        return (
            f'{where}, but has {" and ".join(map(repr, dict.fromkeys(others)))}: set '
            f'default_hooks.distill.pairs=[dict(student={path!r}, teacher={others[0]!r})]'
        )
    reason = nearest(network.state_dict(), fitting or found)
    held = names(content)
    return f'{where}: {reason} (the file holds {held}); point it at a checkpoint of exactly that network'
