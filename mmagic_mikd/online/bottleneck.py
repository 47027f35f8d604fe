"""The residual block that makes OMGD's deep teachers deep."""

from mmcv.cnn import build_norm_layer
from torch import Tensor, nn


class Bottleneck(nn.Module):
    """x + f(x): 1x1 to four times the channels, 3x3, 1x1 back, and a last 3x3, all but that with ReLU.

    Of the deep teachers of Ren et al., "Online Multi-Granularity Distillation", ICCV 2021, as released. Its
    first padding stands before a 1x1 convolution, and the 3x3 one without padding takes it back.

    Args:
        channels: of x.
        norm_cfg: after each convolution, 'IN' (convolutions then have a bias) or 'BN'.
    """

    def __init__(self, channels: int, norm_cfg: dict) -> None:
        super().__init__()
        self._norm_cfg, wide = norm_cfg, 4 * channels
        self.branch = nn.Sequential(
            nn.ZeroPad2d(1),
            *self._conv(channels, wide, 1),
            nn.ReLU(inplace=True),
            *self._conv(wide, wide, 3),
            nn.ReLU(inplace=True),
            *self._conv(wide, channels, 1),
            nn.ReLU(inplace=True),
            nn.ZeroPad2d(1),
            *self._conv(channels, channels, 3),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)

    def _conv(self, c_in: int, c_out: int, kernel: int) -> tuple[nn.Module, nn.Module]:
        conv = nn.Conv2d(c_in, c_out, kernel, bias=self._norm_cfg['type'] == 'IN')
        return conv, build_norm_layer(self._norm_cfg, c_out)[1]
