"""What the generators of a config cost, all on one input of the size that the config trains on."""

import copy
from collections.abc import Mapping, Sequence
from inspect import signature
from typing import NamedTuple

import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from torch import nn

from ..host.hooks import distillation_of
from ..host.locate import passed_on
from ..teachers.named import labelled
from ..teachers.online import online_teacher
from ..utils.checks import quoted
from ..utils.errors import ConfigError
from .complexity import Complexity, complexity
from .trained_size import divided, pair, trained_size

CHANNELS = ('in_channels', 'inp_channels', 'img_channels', 'in_chans', 'input_nc', 'in_ch')
REMEDY = 'set complexity_shape = (3, 256, 256) in the config, or --input-shape where the tool has it'


class Row(NamedTuple):
    name: str
    shape: tuple[int, ...]
    cost: Complexity


def rows_of(cfg: Config, config: str, shape: Sequence[int] | None = None, device: str = 'cpu') -> list[Row]:
    """The student's row or, of a distillation config, those of its teachers and the student's; see ``measure``.

    Raises:
        ConfigError: there is no generator in it, or its input cannot be told.
    """
    model, teacher = cfg.get('model') or {}, distillation_of(cfg).get('teacher')
    name = 'student' if teacher else 'generator'
    student = measure(name, model, cfg, config, shape, device)
    # on the same input, whatever a teacher's own config says, or their costs would not compare
    rows = [
        counted(label, network, student.shape, config, device)
        for label, network in teacher_networks(cfg, config).items()
    ]
    return [row._replace(name=one_of(row.name, model)) for row in (*rows, student)]


def teacher_networks(cfg: Config, config: str) -> dict[str, nn.Module]:
    """Generators of a distillation's teachers, with initial weights, by 'teacher' or 'teacher NAME'.

    A registered network of nobody's model (``type``) is left out.

    Args:
        config: name of the config's file.
    """
    networks, model = {}, None
    for label, settings in labelled(distillation_of(cfg).get('teacher')).items():
        if settings.get('online'):
            model = model or MODELS.build(copy.deepcopy(cfg.model))
            networks[label] = online_teacher(settings, model, model)
        elif found := model_of(settings):
            networks[label] = build_generator(found, f'the {label} in {config}')
    return networks


def one_of(name: str, model: Mapping) -> str:
    """Name of a row; a translation model has as many equal generators as reachable domains."""
    domains = len(model.get('reachable_domains', ()))
    return f'{name} (one of {domains})' if domains > 1 else name


def teacher_model(cfg: Config) -> dict | None:
    """Settings of the only teacher's model."""
    return model_of(distillation_of(cfg).get('teacher') or {})


def model_of(teacher: Mapping) -> dict | None:
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
        shape: of one input without the batch; by default what the config tells of its own model.
    """
    network = build_generator(model, f'the {name} in {config}')
    shape = tuple(shape or input_shape(cfg, network, model['generator'], config))
    return counted(name, network, shape, config, device)


def counted(name: str, network: nn.Module, shape: tuple[int, ...], config: str, device: str) -> Row:
    """The row of one network, on an input of this shape.

    Raises:
        ConfigError: it does not run on that.
    """
    network, image = network.to(device), torch.rand(1, *shape, device=device)
    try:
        return Row(name, shape, complexity(network, image))
    except (RuntimeError, AssertionError, ValueError, TypeError) as error:
        raise ConfigError(
            f'the {name} in {config} does not run on an input of shape {shape} '
            f'({type(error).__name__}: {quoted(error)}); {REMEDY}'
        ) from error


def build_generator(model: dict, where: str) -> nn.Module:
    """The generator alone, of several equal ones."""
    if not model.get('generator'):
        raise ConfigError(f'{where} has no `model.generator`, so there is nothing to count')
    return MODELS.build(copy.deepcopy(model['generator']), default_args=passed_on(model))


def input_shape(cfg: Config, network: nn.Module, generator: dict, config: str) -> tuple[int, ...]:
    """The config's ``complexity_shape``; else noise, or an image of the size that the model is trained on.

    Args:
        network: generator of the config's own model: the student, whose input its teacher is given too.
        generator: its settings.

    Raises:
        ConfigError: neither tells.
    """
    if cfg.get('complexity_shape') is not None:
        return named_shape(cfg.complexity_shape)
    if getattr(network, 'noise_size', None):
        return (network.noise_size,)
    size, scale = (pair(cfg.input_shape), 1) if cfg.get('input_shape') else trained_size(cfg)
    if not size:
        raise ConfigError(f'{config} does not tell the size of its input; {REMEDY}')
    return (channels_of(network, generator), *divided(size, scale or upscaling(cfg, network, generator)))


def channels_of(network: nn.Module, generator: dict) -> int:
    """Those of an input, under any of the names that the toolbox's networks have for them, or its default."""
    defaults = {name: each.default for name, each in signature(type(network).__init__).parameters.items()}
    told = (settings.get(name) for name in CHANNELS for settings in (generator, defaults))
    return next((number for number in told if isinstance(number, int)), 3)


def named_shape(shape: object) -> tuple[int, ...]:
    """What a config says itself.

    Raises:
        ConfigError: it is no shape.
    """
    if not isinstance(shape, list | tuple) or not all(type(side) is int and side > 0 for side in shape):
        raise ConfigError(f'complexity_shape={shape!r} must be that of one input, such as (3, 256, 256)')
    return tuple(shape)


def upscaling(cfg: Config, network: nn.Module, generator: dict) -> int:
    """How much larger the image becomes, as the generator tells, or else its teacher."""
    teacher = (teacher_model(cfg) or {}).get('generator') or {}
    names = ('upscale_factor', 'upscale')
    told = [
        *(generator.get(name) for name in names),
        *(getattr(network, name, None) for name in (*names, 'scale')),  # defaults; CompactNet has a `scale`
        *(teacher.get(name) for name in names),
    ]
    # other than a number is, for instance, the module `upscale` of RDN
    return next((value for value in told if isinstance(value, int)), 1)
