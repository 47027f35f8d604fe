"""One PatchGAN for several generators, which may have layers of their own."""

from collections.abc import Sequence

from mmagic.models.archs import PatchDiscriminator
from mmagic.models.utils import generation_init_weights
from mmengine.model import BaseModule
from torch import Tensor, nn

from ..utils.checks import require_number


class SharedPatchDiscriminator(BaseModule):
    """MMagic's ``PatchDiscriminator``, whose first layers are shared and whose others each generator has.

    Of OMGD (Ren et al., ICCV 2021), where two teachers of one task share the low-level features.

    Args:
        heads: names of the generators.
        shared: how many of its layers, counted from the image; all of them, 5 with three strides, make it one
            discriminator for all.
        num_conv, kwargs: those of ``PatchDiscriminator``.
    """

    def __init__(self, heads: Sequence[str], shared: int = 5, num_conv: int = 3, **kwargs) -> None:
        super().__init__(init_cfg=kwargs.get('init_cfg') or dict(type='normal', gain=0.02))
        require_number('model.teachers.discriminator.shared', shared, least=0, most=num_conv + 2, whole=True)
        layers = {head: PatchDiscriminator(num_conv=num_conv, **kwargs).model for head in heads}
        self.trunk = next(iter(layers.values()))[:shared]
        self.heads = nn.ModuleDict({head: own[shared:] for head, own in layers.items()})

    def forward(self, x: Tensor, head: str) -> Tensor:
        """How real the patches of an image look, of what the generator of this name is judged by."""
        return self.heads[head](self.trunk(x))

    def of(self, head: str) -> nn.Module:
        """The discriminator of one generator, with the very layers of this one."""
        return nn.Sequential(self.trunk, self.heads[head])

    def init_weights(self) -> None:
        """Draw the weights as the toolbox draws those of its discriminators."""
        generation_init_weights(self, self.init_cfg['type'], self.init_cfg.get('gain', 0.02))
        self._is_init = True
