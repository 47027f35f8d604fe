"""How to distil into a narrower generator of a kind: what benchmarks/studies found to help, by generator."""

from typing import Any, NamedTuple


class Advice(NamedTuple):
    """Settings of ``default_hooks.distill``.

    Attributes:
        recipe: a name in :data:`mmagic_mikd.recipes.RECIPES`.
        terms: what the recipe's terms have to be for images and losses of this family.
        sliced_from: share of the teacher's channels down to which the student starts as the first of them;
            EDSR is harmed by that at an eighth, StyleGAN2 is not.
        narrower: ``layers`` of a narrower student.
    """

    recipe: str = 'pyramid'
    terms: dict[str, dict] | None = None
    sliced_from: float = 1 / 4
    narrower: dict[str, str] | None = None


UNET = Advice()
RESNET = Advice(terms=dict(pyramid=dict(loss_weight=5.0)))
# beside a pixel loss of weight 1, between images in [0, 1]
SUPER_RESOLUTION = Advice(terms=dict(pyramid=dict(loss_weight=0.01, initial_scale=0.02)))
STYLEGAN2 = Advice(
    recipe='sliced_pyramid_early',
    sliced_from=1 / 8,
    # a latent means the same picture only to the same mapping
    narrower={'': 'own', 'style_mapping': 'inherited'},
)

# The layers of each read the one before, or are known to mmagic_mikd.inherit: what `sliced` asks for. No study
# had a generator that is not here.
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
    terms = known.terms
    if known is SUPER_RESOLUTION:
        pixel_weight = (model.get('pixel_loss') or {}).get('loss_weight', 1.0)
        weight = terms['pyramid']['loss_weight'] * pixel_weight
        terms = dict(pyramid=terms['pyramid'] | dict(loss_weight=weight))
    layers = {'': 'sliced'} if share >= known.sliced_from else known.narrower
    settings = dict(recipe=known.recipe, terms=terms, layers=layers)
    return {name: value for name, value in settings.items() if value}
