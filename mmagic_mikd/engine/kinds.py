"""From configs to objectives on images, on the features of a layer, and through a backbone."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn

from ..backbones.backbone import Backbone
from ..objectives import MIDistillLoss
from ..objectives.connected import ConnectedObjective
from ..objectives.features import FeatureObjective
from ..objectives.objective import Objective, Place
from .modules import arguments_of, build_module, class_of

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
    backbones: Mapping[str, Backbone] | None,
    told: Mapping[str, Any],
) -> Objective:
    """One whose module gets images, or the features of a layer; each pair has its own if it learns.

    With backbones the features become images by the adapter, and the module gets what these see in them.
    """
    keys, (weight, outside) = told['keys'], weights
    learns = any(p.requires_grad for p in module.parameters())
    others = [build_module(keys.objective, cfg) if learns else module for _ in pairs[1:]]
    losses = dict(zip(pairs, [weighted(each, outside) for each in (module, *others)], strict=True))
    make = adapter and partial(make_adapter, f'{keys.objective}.adapter', adapter)
    told = dict(told, weight=weight, make_adapter=make)
    if backbones is not None:
        return ConnectedObjective(name, losses, backbones, place, **told)
    if learns and place.layer is not None and 'channels' in arguments_of(cfg) - set(cfg):
        told['make_loss'] = partial(of_channels, keys.objective, cfg, outside)
    return Objective(name, losses, place, **told)


def of_features(
    name: str,
    cfg: dict,
    module: nn.Module,
    backbones: Mapping[str, Backbone],
    place: Place,
    weights: Weights,
    told: Mapping[str, Any],
) -> FeatureObjective:
    """One that looks through a backbone; each layer has a module of its own if that learns."""
    weight, outside = weights
    make = partial(of_channels, told['keys'].objective, cfg, outside)
    return FeatureObjective(name, backbones, weighted(module, outside), make, place, weight=weight, **told)


def of_channels(key: str, cfg: dict, outside: float | None, channels: int) -> nn.Module:
    """The module of a config for features of so many channels, where it takes their number."""
    own = dict(channels=channels) if 'channels' in arguments_of(cfg) else {}
    return weighted(build_module(key, {**own, **cfg}), outside)


def weighted(loss: nn.Module, weight: float | None) -> nn.Module:
    """The loss, or with the weight where it takes none itself."""
    return loss if weight is None else Weighted(loss, weight)


class Weighted(nn.Module):
    """A loss that takes no `loss_weight`, with one."""

    def __init__(self, loss: nn.Module, weight: float) -> None:
        super().__init__()
        self.loss, self.weight = loss, weight
        self.asks_input = getattr(loss, 'asks_input', False)

    def forward(self, *given: Tensor) -> Any:
        value = self.loss(*given)
        if isinstance(value, tuple | list):
            return [self.weight * part for part in value if part is not None]
        return self.weight * value


def learning(cfg: dict) -> dict:
    """The config, with weight 1 where it is 0: the module then only learns, and by a loss of 0 it would not."""
    kind = class_of(cfg)
    if cfg.get('loss_weight') != 0 or (kind is not None and issubclass(kind, MIDistillLoss)):
        return cfg  # a critic learns by a loss of its own
    return dict(cfg, loss_weight=1.0)


def without_foreign_weight(cfg: dict) -> tuple[dict, float | None]:
    """The config, without `loss_weight` where its class does not take one, and that weight."""
    if 'loss_weight' not in cfg or 'loss_weight' in arguments_of(cfg):
        return cfg, None
    cfg = dict(cfg)
    return cfg, cfg.pop('loss_weight')


def make_adapter(key: str, cfg: Mapping, student: int, teacher: int) -> nn.Module:
    """A module from features of ``student`` channels to those of ``teacher``, or to a backbone's images."""
    channels = dict(in_channels=student, out_channels=teacher)
    taken = arguments_of(cfg)
    return build_module(key, {**{k: v for k, v in channels.items() if k in taken}, **cfg})
