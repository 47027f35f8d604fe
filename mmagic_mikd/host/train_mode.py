"""Which models the toolbox evaluates in training mode. Not a repair, but knowledge of the host all the same.

Pix2Pix and CycleGAN call `self.train()` before they translate a test image: batch statistics and
dropout are part of what their published numbers describe, so a teacher of theirs has to be run that
way too.
"""

from collections.abc import Mapping

from torch import nn


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
