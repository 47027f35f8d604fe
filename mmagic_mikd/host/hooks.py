"""Hooks of a config, any of which may be None. Not a repair, but knowledge of the host all the same."""

from mmengine.config import Config

OF_THE_TOOLBOX = ('runtime_info', 'timer', 'sampler_seed', 'logger', 'param_scheduler', 'checkpoint')


def distillation_of(cfg: Config) -> dict:
    """Settings of ``default_hooks.distill``; empty where the config does not distil."""
    return (cfg.get('default_hooks') or {}).get('distill') or {}


def without_nothing(cfg: Config) -> None:
    """A hook that is None is left out, as the toolbox does it with its own; another's trips it up."""
    hooks = cfg.get('default_hooks') or {}
    for name in [name for name, hook in hooks.items() if hook is None]:
        if name not in OF_THE_TOOLBOX:
            del hooks[name]
