"""Teachers that are trained in the same run as their student, and the choice of the best of them."""

from mmengine.registry import MODELS

from ..compat import on_import
from . import selection  # noqa: F401  registers its hook
from .deep_mobile_resnet import DeepMobileResnetGenerator

MODELS.register_module(module=DeepMobileResnetGenerator)


def _register_translation(pix2pix: object) -> None:
    from .deep_unet import DeepUnetGenerator
    from .discriminator import SharedPatchDiscriminator
    from .joint_pix2pix import JointPix2Pix
    from .online_teachers import OnlineTeachers

    for module in (DeepUnetGenerator, SharedPatchDiscriminator, JointPix2Pix, OnlineTeachers):
        MODELS.register_module(module=module)


# They derive from MMagic's own networks, and importing us must not import the whole of MMagic.
on_import.after('mmagic.models.editors.pix2pix', _register_translation)
