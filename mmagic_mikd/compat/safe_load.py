"""Loading or resuming a checkpoint can run code that somebody put into it.

Two ways in: `torch.load` unpickles anything when an environment variable or an older PyTorch says so,
as `torch.hub` does with what it has downloaded, and `Runner.resume` executes `checkpoint['meta']['config']`
as a Python config file. Now a checkpoint is always loaded with `weights_only=True`, one that needs more, that
is cut or that holds no named tensors is refused in a sentence, and that entry (which MMEngine itself never
writes) is dropped. No upstream thread. Delete this file when `load_from_local` insists on safe loading and
`Runner.resume` does not parse the config.
"""

import functools

from ..utils.errors import ConfigError
from . import on_import
from .tensor_file import NotTensors, read, read_url


def apply(report) -> None:
    on_import.after('mmengine.runner.checkpoint', lambda module: report(repair(module)))


def repair(checkpoint) -> bool:
    """Load files safely, whoever asks; False where torch cannot be told what is harmless."""
    import torch

    if not hasattr(torch.serialization, 'add_safe_globals'):
        return False
    checkpoint.CheckpointLoader.register_scheme('', load_from_local, force=True)
    on_import.replace(checkpoint.load_from_local, load_from_local, package='mmengine')
    checkpoint.load_url = load_url
    stock = checkpoint._load_checkpoint

    @functools.wraps(stock)
    def _load_checkpoint(filename, *args, **kwargs):
        loaded = stock(filename, *args, **kwargs)
        require_named_tensors(filename, loaded)
        if isinstance(loaded, dict) and isinstance(loaded.get('meta'), dict):
            loaded['meta'].pop('config', None)
        return loaded

    on_import.replace(stock, _load_checkpoint, package='mmengine')
    return True


def load_from_local(filename: str, map_location):
    """Tensors and plain data of a file, or a sentence.

    Raises:
        ConfigError: the file is not there, is damaged, or holds objects that run code when loaded.
    """
    try:
        return read(filename, map_location)
    except FileNotFoundError:
        raise ConfigError(f'the checkpoint {filename} does not exist: correct the path') from None
    except NotTensors as error:
        raise ConfigError(f'the checkpoint {filename} {error.reason}; {error.remedy}') from error


def load_url(url: str, model_dir=None, map_location=None, **options):
    """In place of the toolbox's, which unpickles anything."""
    try:
        return read_url(url, map_location or 'cpu')
    except NotTensors as error:
        raise ConfigError(f'the checkpoint {url} {error.reason}; {error.remedy}') from error


def require_named_tensors(filename: str, loaded) -> None:
    """What the toolbox is about to take weights from.

    Raises:
        ConfigError: it is a list, a tensor, or a dictionary of something that no network can hold.
    """
    held = loaded.get('state_dict', loaded) if isinstance(loaded, dict) else loaded
    odd = oddity(held)
    if odd:
        raise ConfigError(
            f'the checkpoint {filename} holds {odd}: use a file with a `state_dict`, as torch.save('
            'dict(state_dict=net.state_dict()), file) writes it'
        )


def oddity(state) -> str | None:
    """Why this is no state dictionary, for a sentence; None if it is one."""
    import torch

    if not isinstance(state, dict):
        return f'{"an" if type(state).__name__[0] in "aeiou" else "a"} {type(state).__name__} without weights'
    for key, value in state.items():
        if not isinstance(key, str):
            return f'the key {key!r}, which is no name of a weight'
        if isinstance(value, torch.Tensor) and (kind := unusable(value)):
            return f'a {kind} tensor at {key!r}'
    return None


def unusable(tensor) -> str | None:
    """What kind of tensor it is that cannot be copied into a network; None for a plain one."""
    if tensor.is_meta:
        return 'meta (empty)'
    if tensor.is_quantized:
        return 'quantised'
    return None if str(tensor.layout) == 'torch.strided' else 'sparse'
