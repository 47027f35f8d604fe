"""From configs to objectives with an energy-based q(t|s): critic, chain, base, or one sentence."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from ..backbones.backbone import Backbone
from ..objectives import MIDistillLoss
from ..objectives.energy.bound import LANGEVIN
from ..objectives.energy.contrastive import ContrastiveObjective
from ..objectives.energy.critics import CriticObjective
from ..objectives.energy.objective import EnergyObjective
from ..objectives.energy.residual import MOST_STEP_SIZE, ResidualEnergyObjective
from ..objectives.objective import Keys, Place
from ..utils.errors import ConfigError
from .modules import arguments_of, build_module, class_of

DEPTHS = ('num_blocks', 'image_size')  # settings of a critic, each of which sets its depth
CHANNELS = ('t_channels', 's_channels')  # settings of a critic that follow the images


def of_energy(
    name: str,
    bound: MIDistillLoss,
    pairs: Sequence[str],
    place: Place,
    parts: Mapping[str, Any],
    backbones: Mapping[str, Backbone] | None,
    noise: torch.Generator,
    told: Mapping[str, Any],
) -> CriticObjective:
    """The bound with a critic for each pair, learned by its estimator."""
    require_together(bound, backbones is not None, parts, told['keys'])
    make, waits, follows = critics(told['keys'].critic, dict(parts['critic'] or {}), backbones is not None)
    given = (name, bound, pairs, make, noise, place, waits, follows)
    key, chain = f'{told["keys"].objective}.base', parts['chain'] or {}
    make_base = parts['base'] and partial(build_base, key, dict(parts['base']))
    if bound.estimator == LANGEVIN and make_base:
        require_white(told['keys'].chain, chain)
        return ResidualEnergyObjective(*given, chain=chain, make_base=make_base, **told)
    if bound.estimator == LANGEVIN:
        return EnergyObjective(*given, chain=chain, **told)
    return ContrastiveObjective(*given, backbones=backbones, make_base=make_base, **told)


def critics(key: str, cfg: dict, features: bool) -> tuple[Any, bool, bool]:
    """What builds a critic, and whether its depth and its channels wait for the first batch."""
    if features:
        cfg.setdefault('type', 'FeatureCritic')
        return (lambda channels: build_critic(key, dict(cfg, channels=list(channels)), 'local')), True, False
    cfg.setdefault('type', 'EnergyCritic')
    taken = arguments_of(cfg)
    waits = 'image_size' in taken and not any(cfg.get(name) for name in DEPTHS)
    follows = [name for name in CHANNELS if name in taken and cfg.get(name) is None]
    cfg = {name: value for name, value in cfg.items() if name not in follows}

    def make(side: int | None, channels: int | None) -> nn.Module:
        depth = dict(image_size=side) if waits and side else {}
        own = dict.fromkeys(follows, channels) if channels else {}
        return build_critic(key, {**cfg, **depth, **own}, 'given')

    return make, waits, bool(follows)


def build_critic(key: str, cfg: dict, method: str) -> nn.Module:
    """A network of energies, which has this method."""
    critic = build_module(key, cfg)
    if not callable(getattr(critic, method, None)):
        asks = dict(given='a chain asks for energies', local='an energy of features is asked')[method]
        own = dict(given='EnergyCritic', local='FeatureCritic')[method]
        raise ConfigError(
            f'{key}.type: {type(critic).__name__} has no method `{method}`, by which {asks}; use {own}, or a '
            'class that has it'
        )
    return critic


def build_base(key: str, cfg: dict) -> nn.Module:
    """A closed form whose samples can be drawn."""
    base = build_module(key, cfg)
    if not callable(getattr(base, 'draw', None)):
        raise ConfigError(
            f'{key}.type: {type(base).__name__} has no method `draw`, by which negatives are drawn; use '
            'HaarLaplaceLoss, or a class that has it'
        )
    return base


def require_together(bound: MIDistillLoss, features: bool, parts: Mapping[str, Any], keys: Keys) -> None:
    """Parts that the estimator has no use for, and parts that it lacks."""
    key, chain = keys.objective, bound.estimator == LANGEVIN
    if chain and features:
        raise ConfigError(
            f"{key}.backbone is not for chains of images: set `estimator` to 'nce', 'ranking' or 'likelihood', "
            'or leave `backbone` out'
        )
    if not chain and parts['chain']:
        raise ConfigError(
            f"{keys.chain} is for estimator='langevin': leave it out, or set `estimator` to that"
        )
    if not chain and ('base' in bound.negatives) != (parts['base'] is not None):
        raise ConfigError(
            f"{key}.base and negatives=['base'] belong together: set `base` to a closed form such as "
            "dict(type='HaarLaplaceLoss') and add 'base' to `negatives`, or leave both out"
        )
    if bound.estimator == 'ranking' and parts['base'] is not None:
        raise ConfigError(
            f"{key}.estimator='ranking' does not know how draws of a `base` move with the student: set it to "
            "'nce', 'likelihood' or 'langevin', or leave `base` out"
        )


def require_white(key: str, chain: Mapping[str, Any]) -> None:
    """Settings of a chain that walks in the noise of a base, where nothing has the range of an image."""
    for name in ('start', 'value_range'):
        if name in chain:
            raise ConfigError(
                f'{key}.{name} is not for chains beside a `base`, which start at its draws: leave it out'
            )
    if chain.get('step_size', 0.0) > MOST_STEP_SIZE:
        raise ConfigError(
            f'{key}.step_size={chain["step_size"]:g} is for chains of images; beside a `base` a chain walks in '
            f'noise of scale 1, where steps are at most {MOST_STEP_SIZE:g}: leave it out'
        )


def require_energetic(cfg: dict, parts: dict, keys: Keys) -> None:
    """Critic, chain and base belong to one bound; they may be left of a config that another inherits."""
    kind = class_of(cfg)
    if kind is None or issubclass(kind, MIDistillLoss):
        return
    for part, key in dict(critic=keys.critic, chain=keys.chain, base=f'{keys.objective}.base').items():
        if parts[part] is not None:
            raise ConfigError(
                f'{key or f"{keys.objective}.{part}"} is for MIDistillLoss; {kind.__name__} has none: leave it '
                'out, or give the new objective a name of its own'
            )
