"""The ResNet generator of Pix2Pix and CycleGAN with depthwise-separable residual blocks."""

from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from torch import Tensor, nn

PADDINGS = {'reflect': nn.ReflectionPad2d, 'replicate': nn.ReplicationPad2d, 'zeros': nn.ZeroPad2d}


class MobileResnetGenerator(BaseModule):
    """Image to image of the same size, both (N, C, H, W); the output is in [-1, 1]; H and W multiples of 4.

    MMagic's ``ResnetGenerator`` takes the same arguments, so a config changes only ``type``. What
    differs is each 3x3 convolution of a residual block: a depthwise one, a normalisation and a 1x1
    one. This is the small generator of Li et al., "GAN Compression", CVPR 2020, and Ren et al.,
    "OMGD", ICCV 2021: with 16 base channels 0.137 M parameters and 1.408 G multiply-accumulates at
    256 px, as papers count.

    Args:
        in_channels, out_channels: channels of the images.
        base_channels: width after the first convolution; the residual blocks are four times as wide.
        norm_cfg: 'IN' (convolutions then have a bias) or 'BN'.
        use_dropout: dropout of 0.5 inside each residual block.
        num_blocks: number of residual blocks.
        padding_mode: 'reflect', 'replicate' or 'zeros', where no resolution changes.
        init_cfg: ``type`` and ``gain`` of the toolbox's ``generation_init_weights``, or 'Pretrained'.

    Raises:
        ValueError: unknown padding mode.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        base_channels: int = 64,
        norm_cfg: dict | None = None,
        use_dropout: bool = False,
        num_blocks: int = 9,
        padding_mode: str = 'reflect',
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg or dict(type='normal', gain=0.02))
        if padding_mode not in PADDINGS:
            raise ValueError(
                f'MobileResnetGenerator: padding_mode={padding_mode!r}, choose one of {", ".join(PADDINGS)}'
            )
        self._norm_cfg = norm_cfg or dict(type='IN')
        self._pad = PADDINGS[padding_mode]
        c = base_channels
        self.model = nn.Sequential(
            self._pad(3),
            *self._conv(nn.Conv2d, in_channels, c, 7),
            *self._conv(nn.Conv2d, c, 2 * c, 3, stride=2, padding=1),
            *self._conv(nn.Conv2d, 2 * c, 4 * c, 3, stride=2, padding=1),
            *(_Residual(self._branch(4 * c, use_dropout)) for _ in range(num_blocks)),
            *self._conv(nn.ConvTranspose2d, 4 * c, 2 * c, 3, stride=2, padding=1, output_padding=1),
            *self._conv(nn.ConvTranspose2d, 2 * c, c, 3, stride=2, padding=1, output_padding=1),
            self._pad(3),
            nn.Conv2d(c, out_channels, 7),
            nn.Tanh(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)

    def init_weights(self) -> None:
        """Draw the weights as the toolbox draws those of its own translation generators."""
        if self.init_cfg['type'] == 'Pretrained':
            super().init_weights()
            return
        from mmagic.models.utils import generation_init_weights

        generation_init_weights(self, self.init_cfg['type'], self.init_cfg.get('gain', 0.02))
        self._is_init = True

    def _conv(self, kind: type[nn.Module], c_in: int, c_out: int, kernel: int, **kwargs) -> list[nn.Module]:
        conv = kind(c_in, c_out, kernel, bias=self._bias, **kwargs)
        return [conv, self._norm(c_out), nn.ReLU(inplace=True)]

    def _branch(self, c: int, use_dropout: bool) -> nn.Sequential:
        dropout = [nn.Dropout(0.5)] if use_dropout else []
        return nn.Sequential(*self._separable(c), nn.ReLU(inplace=True), *dropout, *self._separable(c))

    def _separable(self, c: int) -> list[nn.Module]:
        depthwise = nn.Conv2d(c, c, 3, groups=c, bias=self._bias)
        pointwise = nn.Conv2d(c, c, 1, bias=self._bias)
        return [self._pad(1), depthwise, self._norm(c), pointwise, self._norm(c)]

    @property
    def _bias(self) -> bool:
        return self._norm_cfg['type'] == 'IN'  # a batch norm has one of its own

    def _norm(self, c: int) -> nn.Module:
        return build_norm_layer(self._norm_cfg, c)[1]


class _Residual(nn.Module):
    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)
