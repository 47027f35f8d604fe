"""The mobile ResNet of OMGD's deep teacher: narrow as the student, and as expensive as the wide teacher."""

from torch import nn

from ..students.mobile_resnet import MobileResnetGenerator
from .bottleneck import Bottleneck


class DeepMobileResnetGenerator(MobileResnetGenerator):
    """``MobileResnetGenerator`` with more layers at every resolution.

    After each change of resolution come one :class:`Bottleneck` and one 3x3 convolution with normalisation and
    ReLU; two more bottlenecks stand in the middle of the residual blocks. With 16 channels at 256 px: 2.547 M
    parameters, 18.22 G multiply-accumulates as papers count, where the one of 64 channels has 18.31 G (Ren et
    al., "Online Multi-Granularity Distillation", ICCV 2021).

    Args:
        kwargs: those of ``MobileResnetGenerator``.
    """

    def __init__(self, in_channels: int, out_channels: int, base_channels: int = 64, **kwargs) -> None:
        super().__init__(in_channels, out_channels, base_channels, **kwargs)
        c, layers = base_channels, list(self.model)
        first, down1, down2, *blocks = layers[:4], layers[4:7], layers[7:10], *layers[10:-9]
        up1, up2, last = layers[-9:-6], layers[-6:-3], layers[-3:]
        half = len(blocks) // 2
        self.model = nn.Sequential(
            *first,
            *(*down1, *self._more(2 * c)),
            *(*down2, *self._more(4 * c)),
            *blocks[:half],
            *(Bottleneck(4 * c, self._norm_cfg) for _ in range(2)),
            *blocks[half:],
            *(*up1, *self._more(2 * c)),
            *(*up2, *self._more(c)),
            *last,
        )

    def _more(self, channels: int) -> list[nn.Module]:
        plain = self._conv(nn.Conv2d, channels, channels, 3, padding=1)
        return [Bottleneck(channels, self._norm_cfg), *plain]
