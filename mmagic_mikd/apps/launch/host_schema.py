"""What the toolbox's own settings may be, where it answers a wrong one with a traceback, or not at all."""

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

from ...engine.schema import OPTIM_WRAPPER
from ...host.hooks import without_nothing
from ...utils.checks import short
from ...utils.errors import ConfigError
from ...utils.schema import a_dict, check, each, number, optional, table


def pipeline(key: str, value: Any) -> None:
    """Transforms, at least one."""
    each(a_dict)(key, value)
    if not value:
        raise ConfigError(
            f'{key}={short(value)} makes no tensors of the pictures: list its transforms, with PackInputs last'
        )


def dataset(key: str, value: Any) -> None:
    """Of the data, or a wrapper of such a one."""
    check(key, value, dict(pipeline=pipeline, dataset=dataset))


def loaders(key: str, value: Any) -> None:
    """One, or a list of them: super-resolution tests on several."""
    (each(table(LOADER)) if isinstance(value, list) else table(LOADER))(key, value)


def wrappers(key: str, value: Any) -> None:
    """An optimiser wrapper, or one for each network."""
    a_dict(key, value)
    if 'optimizer' in value or 'type' in value:
        check(key, value, OPTIM_WRAPPER)
        return
    check(key, value, {name: table(OPTIM_WRAPPER) for name, inner in value.items() if _is_config(inner)})


def _is_config(value: Any) -> bool:
    return isinstance(value, Mapping) and 'optimizer' in value


LOADER = dict(
    dataset=dataset,
    batch_size=optional(number(least=1, whole=True)),
    num_workers=number(least=0, whole=True),
)
CHECKPOINTS = dict(interval=number(least=-1), max_keep_ckpts=number(least=-1, whole=True))
CONFIG = dict(
    model=optional(a_dict),
    train_dataloader=optional(loaders),
    val_dataloader=optional(loaders),
    test_dataloader=optional(loaders),
    optim_wrapper=optional(wrappers),
    default_hooks=optional(table(dict(checkpoint=optional(table(CHECKPOINTS))))),
)


def check_host(cfg: Config) -> None:
    """Look at a whole config.

    Raises:
        ConfigError: a value that the toolbox cannot use, named by its key.
    """
    for name, look in CONFIG.items():
        if name in cfg:
            look(name, cfg[name])
    without_nothing(cfg)
