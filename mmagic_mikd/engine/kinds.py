"""The kinds of objectives: on images or the features of a layer, through a backbone, and with an energy."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ..objectives import MIDistillLoss
from ..objectives.energy.objective import EnergyObjective
from ..objectives.features import FeatureObjective
from ..objectives.objective import Keys, Objective, Place
from ..utils.errors import ConfigError
from .modules import arguments_of, build_module, class_of

DEPTHS = ('num_blocks', 'image_size')  # settings of a critic, each of which sets its depth
CHANNELS = ('t_channels', 's_channels')  # settings of a critic that follow the images
Weights = tuple[
    float, float | None
]  # of the objective; and what its module, which takes none, is multiplied by


def of_images(
    name: str,
    cfg: dict,
    module: nn.Module,
    pairs: Sequence[str],
    place: Place,
    weights: Weights,
    adapter: Mapping | None,
    told: Mapping[str, Any],
) -> Objective:
    """One whose module gets images, or the features of a layer; each pair has its own if it learns."""
    keys, (weight, outside) = told['keys'], weights
    learns = any(p.requires_grad for p in module.parameters())
    others = [build_module(keys.objective, cfg) if learns else module for _ in pairs[1:]]
    losses = dict(zip(pairs, [weighted(each, outside) for each in (module, *others)], strict=True))
    make = adapter and partial(make_adapter, f'{keys.objective}.adapter', adapter)
    return Objective(name, losses, place, weight, make_adapter=make, **told)


def of_features(
    name: str,
    cfg: dict,
    module: nn.Module,
    pairs: Sequence[str],
    place: Place,
    weights: Weights,
    told: Mapping[str, Any],
) -> FeatureObjective:
    """One that looks through a backbone; each layer has a module of its own if that learns."""
    key, (weight, outside), taken = told['keys'].objective, weights, arguments_of(cfg)

    def make(channels: int) -> nn.Module:
        own = dict(channels=channels) if 'channels' in taken else {}
        return weighted(build_module(key, {**own, **cfg}), outside)

    return FeatureObjective(name, pairs, weighted(module, outside), make, place, weight=weight, **told)


def of_energy(
    name: str,
    bound: MIDistillLoss,
    pairs: Sequence[str],
    place: Place,
    parts: Mapping[str, Any],
    noise: torch.Generator,
    told: Mapping[str, Any],
) -> EnergyObjective:
    """The bound with a critic for each pair."""
    key, critic = told['keys'].critic, dict(parts['critic'] or {})
    critic.setdefault('type', 'EnergyCritic')

    taken = arguments_of(critic)
    waits = 'image_size' in taken and not any(critic.get(name) for name in DEPTHS)
    follows = [name for name in CHANNELS if name in taken and critic.get(name) is None]
    critic = {name: value for name, value in critic.items() if name not in follows}

    def make(side: int | None, channels: int | None) -> nn.Module:
        depth = dict(image_size=side) if waits and side else {}
        own = dict.fromkeys(follows, channels) if channels else {}
        return build_critic(key, {**critic, **depth, **own})

    return EnergyObjective(
        name,
        bound,
        pairs,
        make,
        parts['chain'] or {},
        noise,
        place,
        waits_for_batch=waits,
        follows_channels=bool(follows),
        **told,
    )


def require_energetic(cfg: dict, parts: dict, keys: Keys) -> None:
    """Critic and chain belong to one bound; they may be left of a config that another inherits."""
    kind = class_of(cfg)
    if kind is None or issubclass(kind, MIDistillLoss):
        return
    for part, key in dict(critic=keys.critic, chain=keys.chain).items():
        if parts[part] is not None:
            raise ConfigError(
                f'{key or f"{keys.objective}.{part}"} is for MIDistillLoss; {kind.__name__} has none: leave it '
                'out, or give the new objective a name of its own'
            )


def build_critic(key: str, cfg: dict) -> nn.Module:
    """A network of energies."""
    critic = build_module(key, cfg)
    if not callable(getattr(critic, 'given', None)):
        raise ConfigError(
            f'{key}.type: {type(critic).__name__} has no method `given`, by which a chain asks for energies; '
            'use EnergyCritic, or a class that has it'
        )
    return critic


def weighted(loss: nn.Module, weight: float | None) -> nn.Module:
    """The loss, or with the weight where it takes none itself."""
    return loss if weight is None else Weighted(loss, weight)


class Weighted(nn.Module):
    """A loss that takes no `loss_weight`, with one."""

    def __init__(self, loss: nn.Module, weight: float) -> None:
        super().__init__()
        self.loss, self.weight = loss, weight

    def forward(self, student: Tensor, teacher: Tensor) -> Any:
        value = self.loss(student, teacher)
        if isinstance(value, tuple | list):
            return [self.weight * part for part in value if part is not None]
        return self.weight * value


def without_foreign_weight(cfg: dict) -> tuple[dict, float | None]:
    """The config, without `loss_weight` where its class does not take one, and that weight."""
    if 'loss_weight' not in cfg or 'loss_weight' in arguments_of(cfg):
        return cfg, None
    cfg = dict(cfg)
    return cfg, cfg.pop('loss_weight')


def make_adapter(key: str, cfg: Mapping, student: int, teacher: int) -> nn.Module:
    """A module from features of ``student`` channels to those of ``teacher`` channels."""
    channels = dict(in_channels=student, out_channels=teacher)
    taken = arguments_of(cfg)
    return build_module(key, {**{k: v for k, v in channels.items() if k in taken}, **cfg})
