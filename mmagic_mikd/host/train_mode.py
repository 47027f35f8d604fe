"""Training mode without training: which models the toolbox evaluates in it, and statistics that stay.

Pix2Pix and CycleGAN call `self.train()` before they translate a test image: batch statistics and
dropout are part of what their published numbers describe, so a teacher of theirs has to be run that
way too.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def evaluates_in_train_mode(model: nn.Module | type | Mapping) -> bool:
    """Whether `model` (a model, its class or its config) switches to training mode to evaluate."""
    methods = (vars(base).get('forward_test') for base in _model_class(model).__mro__)
    return any('train' in method.__code__.co_names for method in methods if method is not None)


def _model_class(model: nn.Module | type | Mapping) -> type:
    if isinstance(model, Mapping):
        model = model['type']
    if isinstance(model, str):
        from mmagic.registry import MODELS

        name, model = model, MODELS.get(model)
        if model is None:
            raise KeyError(f'model type {name!r} is in no registry; `register_all_modules()` may be missing')
    if not isinstance(model, type | nn.Module):
        raise TypeError(f'expected a model, its class or its config, got {type(model).__name__}')
    return model if isinstance(model, type) else type(model)


@contextmanager
def statistics_kept(network: nn.Module) -> Iterator[None]:
    """Calls of the network leave its running statistics alone, in training mode too."""
    norms = [m for m in network.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    for norm in norms:
        norm.track_running_stats = False  # in training mode it then normalises by the batch alone
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
