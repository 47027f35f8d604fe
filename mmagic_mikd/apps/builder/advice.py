"""How to distil into a narrower generator of a kind: what benchmarks/studies found to help, by generator."""

from typing import Any, NamedTuple


class Advice(NamedTuple):
    """Settings of ``default_hooks.distill``.

    Attributes:
        recipe: a name in :data:`mmagic_mikd.engine.recipes.RECIPES`.
        pyramid: settings of the recipe's term for images and losses of this family; its weight is that
            beside a pixel loss of weight 1, where the model has a `pixel_loss`.
        sliced_from: share of the teacher's channels down to which the student starts as the first of them;
            EDSR is harmed by that at an eighth, StyleGAN2 is not.
        narrower: ``layers`` of a narrower student.
    """

    recipe: str = 'pyramid'
    pyramid: dict[str, float] | None = None
    sliced_from: float = 1 / 4
    narrower: dict[str, str] | None = None


UNET = Advice()
RESNET = Advice(pyramid=dict(loss_weight=5.0))
SUPER_RESOLUTION = Advice(pyramid=dict(loss_weight=0.01, initial_scale=0.02))  # of images in [0, 1]
STYLEGAN2 = Advice(
    recipe='sliced_pyramid_early',
    sliced_from=1 / 8,
    # a latent means the same picture only to the same mapping
    narrower={'': 'own', 'style_mapping': 'inherited'},
)

# The layers of each read the one before, or are known to mmagic_mikd.students.channel_groups: what `sliced`
# asks for. No study had a generator that is not here.
ADVICE = {
    'UnetGenerator': UNET,
    'ResnetGenerator': RESNET,
    'MobileResnetGenerator': RESNET,
    'NarrowStyleGAN2Generator': STYLEGAN2,
    'EDSRNet': SUPER_RESOLUTION,
    'MSRResNet': SUPER_RESOLUTION,
}


def advice(kind: str, share: float, model: dict) -> dict[str, Any]:
    """``recipe``, ``terms`` and ``layers`` of ``default_hooks.distill``; empty where nothing is known.

    Args:
        kind: type of the student's generator.
        share: of the teacher's channels that the student has.
        model: the teacher's config, ``model`` of an MMagic config.
    """
    if kind not in ADVICE:
        return {}
    known = ADVICE[kind]
    settings: dict[str, Any] = dict(recipe=known.recipe)
    if known.pyramid:
        pixel_loss = model.get('pixel_loss') or {}
        weight = known.pyramid['loss_weight'] * pixel_loss.get('loss_weight', 1.0)
        settings['terms'] = dict(pyramid=known.pyramid | dict(loss_weight=weight))
    layers = {'': 'sliced'} if share >= known.sliced_from else known.narrower
    return settings | (dict(layers=layers) if layers else {})
