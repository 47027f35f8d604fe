"""What every setting of a distillation may be, one table for each component; `settings` checks by them."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from ..students.criteria import CRITERIA
from ..utils.checks import short
from ..utils.errors import ConfigError
from ..utils.schema import (
    a_dict,
    a_path,
    a_type,
    check,
    each,
    interval,
    kind,
    number,
    one_of,
    optional,
    table,
)

TARGETS = ('teacher', 'ground_truth')
NAME_OR_INDEX = kind((str, int), 'the key or the index of the image in what the generator returns')


def layer(key: str, value: Any) -> None:
    """The path of a layer, or the student's and the teacher's; an empty one would be the whole network."""
    paths = (value,) if isinstance(value, str) else value
    fits = isinstance(paths, tuple | list) and len(paths) in (1, 2)
    if not fits or not all(isinstance(path, str) and path for path in paths):
        raise ConfigError(
            f"{key}={short(value)} must be the path of a layer, or the student's and the teacher's"
        )


def optimiser(key: str, value: Any) -> None:
    """The config of an optimiser."""
    check(key, value, dict(type=a_type, lr=number(least=0)))
    if 'type' not in value:
        raise ConfigError(f"{key} has no `type`: set it to that of an optimiser, such as 'Adam'")


def start(key: str, value: Any) -> None:
    """The name of a start, the options of one, or either by layer."""
    kind((str, Mapping), "'sliced', dict(type='pruned') or a dict by layer")(key, value)
    for layer, way in by_layer(value).items():
        if isinstance(way, Mapping):
            check(f'{key}.{layer}'.rstrip('.'), {'type': None, **way}, PRUNED, closed=True)


def pruned(key: str, value: Any) -> None:
    """The only kind of start that has options."""
    if value != 'pruned':
        raise ConfigError(f"{key}={short(value)} must be 'pruned', the only start with options")


def by_layer(start: str | Mapping) -> dict[str, str | Mapping]:
    """The start of each layer, '' being the whole generator."""
    return {'': start} if isinstance(start, str) or 'type' in start else dict(start)


CLIPPING = dict(
    type=one_of('norm', 'value'),
    max_norm=number(above=0),
    norm_type=number(above=0),
    clip_value=number(above=0),
    error_if_nonfinite=kind(bool, 'True or False'),
    foreach=optional(kind(bool, 'True or False')),
)
OPTIM_WRAPPER = dict(
    type=a_type,
    optimizer=optimiser,
    clip_grad=optional(table(CLIPPING, closed=True)),
    accumulative_counts=number(least=1, whole=True),
    paramwise_cfg=optional(a_dict),
)
SCHEDULE = kind((Mapping, list, tuple), 'the config of a schedule, or a list of them')
COMPONENT = dict(type=a_type)  # anything registered, whose constructor looks at the rest
OBJECTIVE = dict(  # what every objective has; its module's own settings are its module's
    type=a_type,
    loss_weight=number(least=0),
    until=optional(number(above=0, most=1)),
    target=one_of(*TARGETS),
    teacher=optional(kind(str, 'the name of a teacher')),
    layer=optional(layer),
    adapter=optional(table(COMPONENT)),
    backbone=optional(kind((str, Mapping), "the name of a backbone, such as 'discriminator', or a dict")),
    gradient_ratio=optional(number(above=0, most=100)),
    range=optional(interval),
    mask=optional(a_path),
    learner=optional(a_dict),
    critic=optional(a_dict),
    chain=optional(a_dict),
    base=optional(table(COMPONENT)),
)
PAIR = dict(student=a_path, teacher=a_path, output=optional(NAME_OR_INDEX))
PRUNED = dict(  # one of the values of `start`, or all of it
    type=pruned,
    criterion=one_of(*CRITERIA),
    refit=kind(bool, 'True or False'),
    statistics=kind(bool, 'True or False'),
    batches=number(least=1, whole=True),
    seed=number(least=0, whole=True),
    mask=a_path,
    discriminator=kind(bool, 'True or False'),
    source=a_dict,
)
DISTILL = dict(
    teacher=kind((Mapping, nn.Module), 'a dict or a module'),
    pairs=kind((list, tuple), 'a list of dicts'),
    start=start,
    recipe=kind(str, 'the name of a recipe'),
    objectives=a_dict,
    frozen_statistics=number(least=0, most=1),
    # the old spelling
    terms=a_dict,
    loss=a_dict,
    critic=a_dict,
    sampler=a_dict,
    optim_wrapper=table(OPTIM_WRAPPER),
    param_scheduler=SCHEDULE,
    layers=start,
)
PAIRS = each(table(PAIR))
