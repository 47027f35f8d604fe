"""How to distil into a narrower generator of a kind: what benchmarks/studies found to help, by generator."""

from typing import Any, NamedTuple

from ...utils.names import type_name

# MMagic's PSNRLoss is a logarithm of the mean square: at a residual r of images in [0, 1] its gradient is
# 20 / (r ln 10) times that of L1Loss, 174 times at 0.05.
PSNR_LOSS = 100.0


class Advice(NamedTuple):
    """Settings of ``default_hooks.distill``.

    Attributes:
        recipe: a name in :data:`mmagic_mikd.engine.recipes.RECIPES`.
        pyramid: settings of the recipe's objective for images and losses of this family; its weight is that
            beside a pixel loss of weight 1, where the model has a `pixel_loss`.
        sliced_from: share of the teacher's channels down to which the student starts as the first of them;
            EDSR is harmed by that at an eighth, StyleGAN2 is not.
        narrower: ``start`` of a narrower student.
        of: what the settings are known from, where that is another family than the student's.
    """

    recipe: str = 'pyramid'
    pyramid: dict[str, float] | None = None
    sliced_from: float = 1 / 4
    narrower: dict[str, str] | None = None
    of: str = ''


UNET = Advice()
RESNET = Advice(pyramid=dict(loss_weight=5.0))
SUPER_RESOLUTION = Advice(pyramid=dict(loss_weight=0.01, initial_scale=0.02))  # of images in [0, 1]
LIKE_EDSR = SUPER_RESOLUTION._replace(of='EDSR')
STYLEGAN2 = Advice(
    recipe='sliced_pyramid_early',
    sliced_from=1 / 8,
    # a latent means the same picture only to the same mapping
    narrower={'': 'own', 'style_mapping': 'inherited'},
)
LIKE_STYLEGAN2 = STYLEGAN2._replace(narrower={'': 'own'}, of='StyleGAN2')

# The layers of each read the one before, or are known to mmagic_mikd.students.channel_groups: what `sliced`
# asks for.
ADVICE = {
    'UnetGenerator': UNET,
    'ResnetGenerator': RESNET,
    'MobileResnetGenerator': RESNET,
    'NarrowStyleGAN2Generator': STYLEGAN2,
    'DCGANGenerator': LIKE_STYLEGAN2,
    'EDSRNet': SUPER_RESOLUTION,
    'MSRResNet': SUPER_RESOLUTION,
    'RDNNet': LIKE_EDSR,
    'RRDBNet': LIKE_EDSR,
    'NAFNet': LIKE_EDSR,
    'NAFNetLocal': LIKE_EDSR,
}


def advice(kind: str, share: float, model: dict) -> dict[str, Any]:
    """``recipe``, ``start`` and ``objectives`` of ``default_hooks.distill``.

    Args:
        kind: type of the student's generator.
        share: of the teacher's channels that the student has.
        model: the teacher's config, ``model`` of an MMagic config.
    """
    known = ADVICE[kind]
    settings: dict[str, Any] = dict(recipe=known.recipe)
    if share < known.sliced_from:
        settings |= dict(start=known.narrower) if known.narrower else {}
    elif known.recipe == 'pyramid':  # the other one has that start already
        settings['start'] = 'sliced'
    if known.pyramid:
        weight = known.pyramid['loss_weight'] * pixel_weight(model.get('pixel_loss') or {})
        settings['objectives'] = dict(pyramid=known.pyramid | dict(loss_weight=weight))
    return settings


def pixel_weight(loss: dict) -> float:
    """How strong the model's own pixel loss is, in units of an L1Loss of weight 1."""
    return loss.get('loss_weight', 1.0) * (PSNR_LOSS if type_name(loss.get('type')) == 'PSNRLoss' else 1.0)


def unknown(kind: str, model: dict) -> str:
    """What the studies do not say of such a student; empty where one of them had its like."""
    known = ADVICE[kind]
    if known.of:
        return f'no study had a {kind}: these are the settings that helped {known.of}'
    if known is SUPER_RESOLUTION and model.get('discriminator'):
        return 'no study had a discriminator beside super-resolution: these are the settings that helped EDSR'
    return ''
