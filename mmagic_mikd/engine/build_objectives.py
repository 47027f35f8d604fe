"""From the configs in `default_hooks.distill.objectives` to objectives with their learners."""

from collections.abc import Mapping, Sequence

import torch
from mmengine import dist
from mmengine.runner import Runner
from torch import nn

from ..backbones.backbone import Backbone
from ..backbones.build import build_backbone
from ..host.learner import Learner
from ..host.taps import unwrap
from ..objectives import MIDistillLoss
from ..objectives.content_mask import ContentMask
from ..objectives.energy.critics import CriticObjective
from ..objectives.energy.published import LEARNER
from ..objectives.objective import Keys, Objective, Place
from ..utils.errors import ConfigError
from ..utils.rng import seeded
from .announce import warn_of_score
from .energies import of_energy, require_energetic
from .kinds import learning, of_features, of_images, without_foreign_weight
from .modules import arguments_of, build_module
from .pair import Pair
from .settings import Settings
from .view import View

OPTIONS = (
    'layer',
    'target',
    'teacher',
    'range',
    'mask',
    'until',
    'adapter',
    'backbone',
    'gradient_ratio',
)  # of an objective; the rest is its module's
PARTS = ('learner', 'critic', 'chain', 'base')


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
        cfg, outside = without_foreign_weight(learning(cfg))
        require_energetic(cfg, parts, keys)
        module = build_module(keys.objective, cfg)
        if weight is None:
            weight = getattr(module, 'loss_weight', 1.0)
        energetic = isinstance(module, MIDistillLoss)
        require_fit(module, options, keys.objective)
        place = self._place(module, options, keys)
        pairs = [pair for pair in self._pairs if place.sees(pair)]
        require_one_teacher(options, pairs, keys.objective)
        backbones = self._backbones(options['backbone'], f'{keys.objective}.backbone', pairs)
        told = dict(until=options['until'], keys=keys, ratio=options['gradient_ratio'])
        names = [pair.name for pair in pairs]
        if energetic:
            objective = of_energy(name, module, names, place, parts, backbones, self._noise, told)
        elif backbones is not None and place.layer is None:
            objective = of_features(name, cfg, module, backbones, place, (weight, outside), told)
        else:
            objective = of_images(
                name, cfg, module, names, place, (weight, outside), options['adapter'], backbones, told
            )
        objective.network.to(self._noise.device)
        self._require_batch(objective, parts, keys, 'samples' in arguments_of(cfg))
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
        objective.learner.schedule.catch_up(self._runner.iter, self._runner.epoch)

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
        default = own_learner(objective)
        cfg = own or self._settings.learner or default
        if own and 'optimizer' not in own:
            cfg = {**(self._settings.learner or default), **own}
        objective.learner = Learner(
            self._runner,
            keys.learner,
            objective.network,
            with_rate_of_base(cfg, objective),
            f'{name}_learner',
            keys.schedule,
            keys.critic if isinstance(objective, CriticObjective) else keys.objective,
        )

    # ---- what it needs --------------------------------------------------------------------------

    def _place(self, module: nn.Module, options: dict, keys: Keys) -> Place:
        layer, moved = options['layer'], getattr(module, 'style_offset', None)
        # a backbone sees images in the range in which its network was trained: that of the generators
        images = None if options['backbone'] else getattr(module, 'image_range', None)
        if layer is not None:
            paths = [layer] if isinstance(layer, str) else list(layer)
            layer = (paths[0], paths[-1])
        given, target = options['range'] and tuple(options['range']), options['target'] or 'teacher'
        seen = given or (None if layer else images)
        mask = options['mask'] and ContentMask(options['mask'], f'{keys.objective}.mask')
        place = Place(layer, target, seen, keys.objective, options['teacher'], moved, mask)
        if not place.asks_teacher:  # of a target that all teachers share, one pair of each student will do
            place = place._replace(teacher=self._pairs[0].taught_by)
        for pair in self._pairs if layer else ():
            if place.sees(pair):
                pair.watch(layer, keys.objective, moved is not None)
        return place

    def _backbones(
        self, cfg: str | Mapping | None, key: str, pairs: Sequence[Pair]
    ) -> dict[str, Backbone] | None:
        if cfg is None:
            return None
        model, teachers = unwrap(self._runner.model), self._settings.teachers
        backbones = {
            pair.name: build_backbone(cfg, pair, model, teachers[pair.taught_by], key) for pair in pairs
        }
        for backbone in backbones.values():
            backbone.network.to(self._noise.device)
        if isinstance(cfg, Mapping) and cfg.get('checkpoint'):
            warn_of_score(self._runner, key, cfg['checkpoint'])
        return backbones

    def _require_batch(self, objective: Objective, parts: dict, keys: Keys, positions: bool) -> None:
        batch = getattr(self._runner.train_dataloader, 'batch_size', None)
        if (parts['chain'] or {}).get('start') == 'shuffled' and batch == 1:
            raise ConfigError(
                f"{keys.chain}.start='shuffled' takes the image of another sample of the batch, and "
                "train_dataloader.batch_size is 1: set it to 2 or more, or start='student'"
            )
        least = objective.least_batch
        if batch is not None and batch < least:
            raise ConfigError(
                f'{keys.objective}: {objective.kind} compares the samples of a batch, and '
                f'train_dataloader.batch_size is {batch}: set it to {least} or more'
                + (", or samples='positions'" if positions else '')
            )


def require_fit(module: nn.Module, options: Mapping, key: str) -> None:
    """Options that the module of an objective cannot have, or has to.

    Raises:
        ConfigError: it says itself that it cannot have one; or what compares features at two styles has no
            layer, or is to hold the ratio of a gradient that arrives in two places.
    """
    for option, reason in getattr(module, 'cannot_have', {}).items():
        if options[option] is not None:
            raise ConfigError(f'{key}.{option} {reason}: leave it out')
    if getattr(module, 'style_offset', None) is None:
        return
    if options['layer'] is None:
        raise ConfigError(f"{key} compares features at two styles: name a layer, such as layer='convs.3'")
    if options['gradient_ratio'] is not None:
        raise ConfigError(
            f'{key}.gradient_ratio cannot be held where features at two styles are compared, whose gradients '
            'arrive in two places: set `loss_weight` in its place'
        )


def require_one_teacher(options: Mapping, pairs: Sequence[Pair], key: str) -> None:
    """A ratio is that at one image, where the gradients of several teachers would count each other."""
    if options['gradient_ratio'] is not None and len({pair.taught_by for pair in pairs}) > 1:
        raise ConfigError(
            f'{key}.gradient_ratio is that to the images of one teacher: name it in {key}.teacher, and write '
            'one such objective for each'
        )


def own_learner(objective: Objective) -> Mapping:
    """Of a critic, the published one; else that of the loss, be it inside an adapter or one of many layers'."""
    if isinstance(objective, CriticObjective):
        return LEARNER
    return next((part.learner for part in objective.network.modules() if hasattr(part, 'learner')), LEARNER)


def with_rate_of_base(cfg: Mapping, objective: Objective) -> Mapping:
    """Beside a critic, the scales of a closed form keep the learning rate of that form."""
    parts = objective.network.modules() if isinstance(objective, CriticObjective) else ()
    base = next((part.learner for part in parts if hasattr(part, 'learner')), None)
    rate = cfg.get('optimizer', {}).get('lr')
    if base is None or not rate or 'paramwise_cfg' in cfg:
        return cfg
    share = base['optimizer']['lr'] / rate
    return {**cfg, 'paramwise_cfg': dict(custom_keys=dict(bases=dict(lr_mult=share)))}
