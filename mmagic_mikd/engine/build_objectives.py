"""From the configs in `default_hooks.distill.objectives` to objectives with their learners."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from mmengine import dist
from mmengine.runner import Runner
from torch import Tensor, nn

from ..host.learner import Learner
from ..objectives import MIDistillLoss
from ..objectives.energy.objective import EnergyObjective
from ..objectives.energy.published import LEARNER
from ..objectives.objective import Keys, Objective, Place
from ..utils.errors import ConfigError
from ..utils.rng import seeded
from .image_range import UNIT
from .modules import arguments_of, build_module, class_of
from .pair import Pair
from .settings import Settings
from .view import View

OPTIONS = ('layer', 'target', 'range', 'until', 'adapter')  # of an objective; the rest is its module's
PARTS = ('learner', 'critic', 'chain')
DEPTHS = ('num_blocks', 'image_size')  # settings of a critic, each of which sets its depth
CHANNELS = ('t_channels', 's_channels')  # settings of a critic that follow the images


class ObjectiveBuilder:
    """Builds the objectives of one run, at its beginning or, what waits for shapes, with its first batch.

    Args:
        runner: of the run.
        settings: of the distillation.
        pairs: all of them, with their teachers.
        noise: of the Langevin chains.
    """

    def __init__(
        self, runner: Runner, settings: Settings, pairs: Sequence[Pair], noise: torch.Generator
    ) -> None:
        self._runner, self._settings, self._pairs, self._noise = runner, settings, pairs, noise

    def build(self, name: str) -> Objective:
        """One objective, and its learner where everything is known that this takes.

        Raises:
            ConfigError: its module, a layer or an optimiser cannot be built, or it cannot have what it needs.
        """
        cfg, keys = dict(self._settings.objectives[name]), self._settings.keys[name]
        options = {key: cfg.pop(key, None) for key in OPTIONS}
        parts = {key: cfg.pop(key, None) for key in PARTS}
        weight = cfg.get('loss_weight')
        cfg, outside = without_foreign_weight(cfg)
        require_energetic(cfg, parts, keys)
        module = build_module(keys.objective, cfg)
        energetic = isinstance(module, MIDistillLoss)
        place = self._place(options, UNIT if energetic else None, keys)
        if energetic:
            objective = self._energetic(name, module, place, parts, options, keys)
        else:
            if weight is None:
                weight = getattr(module, 'loss_weight', 1.0)
            objective = self._plain(name, cfg, module, place, options, (weight, outside), keys)
        self._require_batch(module, parts, keys)
        if parts['learner'] and not objective.learns:
            name = keys.learner.rpartition('.')[2]
            raise ConfigError(f'{keys.objective}: {cfg["type"]} has nothing to learn; leave `{name}` out')
        if objective.learns and objective.built is not None:
            self.equip(objective)
        return objective

    def complete(self, objective: Objective, views: Sequence[View]) -> None:
        """Build what waited for the first batch; the smallest of all processes decides."""
        if objective.built is not None and objective.fits(views):
            return
        sizes = torch.tensor(objective.sizes(views), device=self._noise.device)
        dist.all_reduce(sizes, op='min')
        self.build_for(objective, sizes.tolist())

    def build_for(self, objective: Objective, sizes: Sequence[int]) -> None:
        """Build what waited, for these sizes, and its learner; the toolbox's random stream does not notice."""
        with seeded(self._runner.seed):
            objective.build(*sizes)
        objective.network.to(self._noise.device)
        self.equip(objective)

    def equip(self, objective: Objective) -> None:
        """Give it the learner that trains its parameters."""
        name, keys = objective.name, self._settings.keys[objective.name]
        own = self._settings.objectives[name].get('learner')
        module = next(iter(objective.losses.values()), None)
        default = getattr(module, 'learner', LEARNER)
        cfg = own or self._settings.learner or default
        if own and 'optimizer' not in own:
            cfg = {**(self._settings.learner or default), **own}
        objective.learner = Learner(
            self._runner,
            keys.learner,
            objective.network,
            cfg,
            f'{name}_learner',
            keys.schedule,
            keys.critic if isinstance(objective, EnergyObjective) else keys.objective,
        )

    # ---- the two kinds ------------------------------------------------------------------------

    def _energetic(
        self, name: str, bound: MIDistillLoss, place: Place, parts: dict, options: dict, keys: Keys
    ) -> EnergyObjective:
        critic = dict(parts['critic'] or {})
        critic.setdefault('type', 'EnergyCritic')

        taken = arguments_of(critic)
        waits = 'image_size' in taken and not any(critic.get(key) for key in DEPTHS)
        follows = [key for key in CHANNELS if key in taken and critic.get(key) is None]
        critic = {key: value for key, value in critic.items() if key not in follows}

        def make(side: int | None, channels: int | None) -> nn.Module:
            depth = dict(image_size=side) if waits and side else {}
            own = dict.fromkeys(follows, channels) if channels else {}
            return build_critic(keys.critic, {**critic, **depth, **own})

        return EnergyObjective(
            name,
            bound,
            [pair.name for pair in self._pairs],
            make,
            parts['chain'] or {},
            self._noise,
            place,
            waits_for_batch=waits,
            follows_channels=bool(follows),
            until=options['until'],
            keys=keys,
        )

    def _plain(
        self,
        name: str,
        cfg: dict,
        module: nn.Module,
        place: Place,
        options: dict,
        weights: tuple[float, float | None],
        keys: Keys,
    ) -> Objective:
        learns = any(p.requires_grad for p in module.parameters())
        others = [build_module(keys.objective, cfg) if learns else module for _ in self._pairs[1:]]
        names = [pair.name for pair in self._pairs]
        losses = dict(zip(names, (module, *others), strict=True))
        adapter = options['adapter'] and partial(
            make_adapter, f'{keys.objective}.adapter', options['adapter']
        )
        weight, outside = weights
        if outside is not None:
            losses = {name: Weighted(loss, outside) for name, loss in losses.items()}
        objective = Objective(name, losses, place, weight, options['until'], adapter, keys)
        objective.network.to(self._noise.device)
        return objective

    # ---- what it needs --------------------------------------------------------------------------

    def _place(self, options: dict, images: tuple | None, keys: Keys) -> Place:
        layer = options['layer']
        if layer is not None:
            paths = [layer] if isinstance(layer, str) else list(layer)
            layer = (paths[0], paths[-1])
            for pair in self._pairs:
                pair.watch(layer, keys.objective)
        given = options['range'] and tuple(options['range'])
        return Place(
            layer, options['target'] or 'teacher', given or (None if layer else images), keys.objective
        )

    def _require_batch(self, module: nn.Module, parts: dict, keys: Keys) -> None:
        batch = getattr(self._runner.train_dataloader, 'batch_size', None)
        if (parts['chain'] or {}).get('start') == 'shuffled' and batch == 1:
            raise ConfigError(
                f"{keys.chain}.start='shuffled' takes the image of another sample of the batch, and "
                "train_dataloader.batch_size is 1: set it to 2 or more, or start='student'"
            )
        least = getattr(module, 'least_batch', 1)
        if batch is not None and batch < least:
            raise ConfigError(
                f'{keys.objective}: {type(module).__name__} compares the samples of a batch, and '
                f'train_dataloader.batch_size is {batch}: set it to {least} or more'
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
