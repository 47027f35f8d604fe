"""Settings of a whole distillation by name; what the config itself sets is merged over them."""

import copy
from typing import Any

from ..objectives.energy import published
from ..utils.checks import proposal
from ..utils.errors import ConfigError
from ..utils.names import type_name

FAST = dict(optimizer=dict(type='Adam', lr=0.01))  # for a handful of scales

RECIPES: dict[str, dict[str, Any]] = dict(
    # Kang et al., NeurIPS 2022, as published: the numbers are in mmagic_mikd/objectives/energy/published.py.
    reference=dict(
        objectives=dict(
            mi=dict(
                type='MIDistillLoss',
                target='teacher',
                loss_weight=published.LOSS_WEIGHT,
                energy_l2=published.ENERGY_L2,
                critic=dict(type='EnergyCritic', base_channels=published.BASE_CHANNELS),
                chain=dict(
                    steps=published.STEPS, step_size=published.STEP_SIZE, noise_std=published.NOISE_STD
                ),
                learner=published.LEARNER,
            )
        )
    ),
    # The energy-based bound that brings the student closer to its teacher in benchmarks/studies: chains start
    # at another sample's image, energies are those of patches, and the critic learns a hundred times faster.
    shuffled=dict(
        objectives=dict(
            mi=dict(
                type='MIDistillLoss',
                target='teacher',
                loss_weight=1.0,
                energy_l2=published.ENERGY_L2,
                critic=dict(type='EnergyCritic', base_channels=8, num_blocks=2),
                chain=dict(start='shuffled', steps=5, step_size=1.0, noise_std=published.NOISE_STD),
                learner=dict(optimizer=dict(published.LEARNER['optimizer'], lr=1e-2)),
            )
        )
    ),
    # What helps in benchmarks/studies: a Laplace q(t|s) on a pyramid, without critic and chain. The weight is
    # for images in [-1, 1] beside a GAN's losses; beside a pixel loss of weight 1 it is 0.01.
    pyramid=dict(
        objectives=dict(pyramid=dict(type='PyramidLaplaceLoss', loss_weight=15.0, learner=FAST)),
    ),
    # The same at twice the weight, and an energy that is learned against the student's own images
    # (docs/energy.md). 1.04 times the multiply-accumulates of an iteration of Pix2Pix at 256 px.
    pyramid_adversarial=dict(
        objectives=dict(
            pyramid=dict(type='PyramidLaplaceLoss', loss_weight=30.0, learner=FAST),
            likely=dict(type='AdversarialLoss', loss_weight=10.0),
        ),
    ),
    # That pyramid, and what the teacher's discriminator sees, in closed form: the student's textures are those
    # of the teacher. 1.29 times the multiply-accumulates.
    pyramid_features=dict(
        objectives=dict(
            pyramid=dict(type='PyramidLaplaceLoss', loss_weight=30.0, learner=FAST),
            features=dict(type='LaplaceLoss', loss_weight=15.0, backbone='discriminator'),
        ),
    ),
    # What helps a StyleGAN2 there: the same, from the teacher's first channels, for half of the training only,
    # since no photograph asks for the teacher's picture of a latent and the student cannot paint all of it.
    sliced_pyramid_early=dict(
        start={'': 'sliced'},
        objectives=dict(
            pyramid=dict(type='PyramidLaplaceLoss', loss_weight=2.0, until=0.5, learner=FAST),
        ),
    ),
)


def with_recipe(key: str, name: str | None, settings: dict[str, Any]) -> dict[str, Any]:
    """``settings`` over those of the recipe, dict by dict as configs inherit; None stands for not set.

    Args:
        key: where the name stands in the config.

    Raises:
        ConfigError: there is no such recipe.
    """
    if name is None:
        return settings
    if name not in RECIPES:
        raise ConfigError(f'{key}={name!r} is not known: {proposal(str(name), RECIPES)}')
    return _merged(RECIPES[name], {k: value for k, value in settings.items() if value is not None})


def objectives_of(recipe: str | None) -> list[str]:
    """Names of the objectives that a recipe brings along."""
    return list(RECIPES.get(recipe, {}).get('objectives', {}))


def _merged(base: Any, changes: Any) -> Any:
    both = isinstance(base, dict) and isinstance(changes, dict)
    if not both or type_name(changes.get('type', base.get('type'))) != type_name(base.get('type')):
        return copy.deepcopy(changes)
    return {**copy.deepcopy(base), **{k: _merged(base.get(k), value) for k, value in changes.items()}}
