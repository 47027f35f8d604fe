"""Loading or resuming a checkpoint can run code that somebody put into it.

Two ways in: `torch.load` unpickles anything when an environment variable or an older PyTorch says so,
and `Runner.resume` executes `checkpoint['meta']['config']` as a Python config file. Now a checkpoint file is
always loaded with `weights_only=True`, one that needs more is refused in a sentence, and that entry (which
MMEngine itself never writes) is dropped. No upstream thread. Delete this file when `load_from_local`
insists on safe loading and `Runner.resume` does not parse the config.
"""

import functools
import os
import pickle
import re

from ..utils.errors import ConfigError
from . import on_import
from .whole_checkpoint import damage


def apply(report) -> None:
    on_import.after('mmengine.runner.checkpoint', lambda module: report(repair(module)))


def repair(checkpoint) -> bool:
    """Load files safely, whoever asks; False where torch cannot be told what is harmless."""
    import torch

    if not hasattr(torch.serialization, 'add_safe_globals'):
        return False
    checkpoint.CheckpointLoader.register_scheme('', load_from_local, force=True)
    on_import.replace(checkpoint.load_from_local, load_from_local, package='mmengine')
    stock = checkpoint._load_checkpoint

    @functools.wraps(stock)
    def _load_checkpoint(*args, **kwargs):
        loaded = stock(*args, **kwargs)
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
    import torch

    path = os.path.expanduser(filename)
    if not os.path.isfile(path):
        raise ConfigError(f'the checkpoint {filename} does not exist: correct the path')
    try:
        return torch.load(path, map_location=map_location, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError) as error:
        sentence = _explain(path, error)
        if sentence is None:
            raise
        raise ConfigError(sentence) from error


def _explain(path: str, error: Exception) -> str | None:
    text, broken = ' '.join(str(error).split()), damage(path)
    named = re.search(r'(?i:unsupported global:?|asks for) (?:GLOBAL )?([\w.]+)', text)
    if isinstance(error, pickle.UnpicklingError) and (named or not broken):
        return (
            f'the checkpoint {path} is refused: it holds more than tensors and plain data'
            f'{f" ({named[1]})" if named else ""}, and loading that could run code; use one that the '
            'toolbox wrote'
        )
    if broken:
        return f'the checkpoint {path} is {broken}: use another one'
    return None  # such as memory that ran out
