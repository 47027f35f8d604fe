"""`tools/train.py --amp` silently does nothing for CycleGAN and StyleGAN2.

The toolbox's script rewrites only optimiser wrappers whose config spells out a `type`. No upstream
thread. Delete this file when it also sets the type where it is implied.
"""

from collections.abc import Mapping

from ...utils.errors import ConfigError
from ...utils.names import type_name

PLAIN, MIXED = 'OptimWrapper', 'AmpOptimWrapper'


def enable_amp(cfg, dtype: str | None = None) -> list[str]:
    """Train every optimiser of `cfg` in mixed precision with dynamic loss scaling; returns the keys it set.

    `dtype` is 'float16' or 'bfloat16'; by default the config's own, or else the toolbox's, float16.
    Raises ConfigError for a wrapper that is not a plain `OptimWrapper`.
    """
    wrappers = dict(_wrappers(cfg.optim_wrapper))
    for key, wrapper in wrappers.items():
        if type_name(wrapper.get('type', PLAIN)) not in (PLAIN, MIXED):
            raise ConfigError(
                f'--amp cannot change {key}.type={wrapper["type"]!r}; only {PLAIN!r} has a mixed twin'
            )
    for wrapper in wrappers.values():
        wrapper['type'] = MIXED
        wrapper.setdefault('loss_scale', 'dynamic')
        if dtype is not None:
            wrapper['dtype'] = dtype
    return list(wrappers)


def _wrappers(cfg: Mapping):
    """(key, config) of every optimiser wrapper: the config itself, or those of several networks within it."""
    if 'optimizer' in cfg:
        yield 'optim_wrapper', cfg
        return
    for name, wrapper in cfg.items():
        if isinstance(wrapper, Mapping) and 'optimizer' in wrapper:
            yield f'optim_wrapper.{name}', wrapper
