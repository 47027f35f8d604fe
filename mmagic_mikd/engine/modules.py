"""Registered modules from their configs, or one sentence that names the key."""

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.registry import MODELS
from torch import nn

from ..utils.checks import proposal, quoted
from ..utils.errors import ConfigError


def build_module(key: str, cfg: Mapping) -> nn.Module:
    """A registered module from its config at ``key``.

    Raises:
        ConfigError: nobody has registered it, or its constructor does not take these arguments.
    """
    kind = cfg.get('type')
    if isinstance(kind, str) and _found(kind) is None:
        remedy = proposal(kind, _names(), 'correct its spelling, or import the module that has it')
        raise ConfigError(f'{key}.type={kind!r} is not known: {remedy}')
    taken = arguments_of(cfg)
    for name in cfg:
        if taken and name != 'type' and name not in taken:
            raise ConfigError(f'{key} ({kind}) has no setting {name!r}: {proposal(name, sorted(taken))}')
    try:
        return MODELS.build(dict(cfg))
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # of a constructor, which may be anybody's
        reason = str(error) if isinstance(error, ConfigError) else quoted(error)
        raise ConfigError(f'{key}: {" ".join(reason.split())}') from error


def arguments_of(cfg: Mapping) -> set[str]:
    """What the class of a config takes; nothing where that cannot be told."""
    found = class_of(cfg)
    if found is None:
        return set()
    names: set[str] = set()
    for cls in inspect.getmro(found):  # a class that hands on what it does not know takes its parent's, too
        parameters = inspect.signature(cls.__init__).parameters.values()
        names |= {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            return names - {'self'}
    return set()  # whatever it is given


def class_of(cfg: Mapping) -> type | None:
    """The class of a config; None where nobody has registered it, or a function is to build it."""
    kind = cfg['type']
    found = _found(kind) if isinstance(kind, str) else kind
    return found if inspect.isclass(found) else None


def _found(kind: str) -> Any:
    with MODELS.switch_scope_and_registry(None) as registry:
        return registry.get(kind)


def _names() -> set[str]:
    with MODELS.switch_scope_and_registry(None) as registry:
        return {*registry.module_dict, *MODELS.module_dict}
