"""What the generators of a config cost, each on one input of the size that it is trained on."""

import copy
from collections.abc import Sequence
from typing import NamedTuple

import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from torch import nn

from ..utils.checks import quoted
from ..utils.errors import ConfigError
from ..utils.names import type_name
from .complexity import Complexity, complexity


class Row(NamedTuple):
    name: str
    shape: tuple[int, ...]
    cost: Complexity


def rows_of(cfg: Config, config: str, shape: Sequence[int] | None = None, device: str = 'cpu') -> list[Row]:
    """The student's row or, of a distillation config, the teacher's and the student's; see ``measure``.

    Raises:
        ConfigError: there is no generator in it, or its input cannot be told.
    """
    models = {'generator': cfg.get('model') or {}}
    teacher = teacher_model(cfg)
    if teacher:
        models = {'teacher': teacher, 'student': cfg.model}
    return [measure(name, model, cfg, config, shape, device) for name, model in models.items()]


def teacher_model(cfg: Config) -> dict | None:
    teacher = cfg.get('default_hooks', {}).get('distill', {}).get('teacher') or {}
    if teacher.get('config'):
        return Config.fromfile(teacher['config']).model
    return teacher.get('model')


def measure(
    name: str,
    model: dict,
    cfg: Config,
    config: str,
    shape: Sequence[int] | None = None,
    device: str = 'cpu',
) -> Row:
    """The row of one model.

    Args:
        name: of the row.
        model: with the generator, from the config ``cfg`` in the file ``config``.
        shape: of one input without the batch; by default what the config tells.
    """
    network = build_generator(model, f'the {name} in {config}').to(device)
    shape = tuple(shape or input_shape(cfg, network, model['generator'], config))
    image = torch.rand(1, *shape, device=device)
    try:
        cost = complexity(network, image)
    except (RuntimeError, AssertionError, ValueError, TypeError) as error:
        raise ConfigError(
            f'the {name} in {config} does not run on an input of shape {shape} '
            f'({type(error).__name__}: {quoted(error)}); set --input-shape'
        ) from error
    domains = len(model.get('reachable_domains', ()))
    label = f'{name} (one of {domains})' if domains > 1 else name
    return Row(label, shape, cost)


def build_generator(model: dict, where: str) -> nn.Module:
    """The generator alone; a translation model has as many equal ones as reachable domains."""
    if not model.get('generator'):
        raise ConfigError(f'{where} has no `model.generator`, so there is nothing to count')
    # what BaseGAN passes on to its generator
    defaults = {key: model[key] for key in ('noise_size', 'num_classes') if model.get(key)}
    return MODELS.build(copy.deepcopy(model['generator']), default_args=defaults)


def input_shape(cfg: Config, network: nn.Module, generator: dict, config: str) -> tuple[int, ...]:
    """Noise of an unconditional model; else an image of the size that the model is trained on.

    Raises:
        ConfigError: neither tells.
    """
    if getattr(network, 'noise_size', None):
        return (network.noise_size,)
    size = cfg.get('input_shape') or trained_size(cfg)
    if not size:
        raise ConfigError(
            f'{config} does not tell the size of its input; give it with --input-shape, '
            'for instance --input-shape 3 256 256'
        )
    height, width = (size, size) if isinstance(size, int) else tuple(size)[-2:]
    upscale = generator.get('upscale_factor', generator.get('upscale', 1))
    # super-resolution configs give the size of the large image
    return (generator.get('in_channels', 3), height // upscale, width // upscale)


def trained_size(cfg: Config) -> int | tuple[int, int] | None:
    """What the last crop or resize of the training pipeline leaves, else that of the test pipeline."""
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        dataset = cfg.get(loader)
        dataset = dataset.get('dataset') if isinstance(dataset, dict) else None
        while dataset and 'pipeline' not in dataset:  # inside a repeating or concatenating one
            dataset = dataset.get('dataset')
        sizes = [size for step in (dataset or {}).get('pipeline', ()) for size in sizes_in(step)]
        if sizes:
            return sizes[-1]
    return None


def sizes_in(step: dict) -> list:
    """Sizes that a transform, or those inside a wrapping one, sets."""
    inner = step.get('transforms') or []
    if inner:
        inner = inner if isinstance(inner, list) else [inner]
        return [size for transform in inner for size in sizes_in(transform)]
    values = [step.get(key) for key in ('gt_patch_size', 'crop_size')]
    values.append(step.get('scale') if type_name(step['type']) == 'Resize' else None)
    # a resize by a factor, a float, does not tell the size
    return [value for value in values if isinstance(value, int | tuple | list)]
