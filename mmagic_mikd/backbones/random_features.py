"""A fixed random network, for features that nobody has trained."""

from collections.abc import Sequence

from torch import Tensor, nn

from ..utils.checks import require_number


class RandomFeatures(nn.Module):
    """Convolutions of 4 x 4 with stride 2 and LeakyReLU, with random weights that keep the variance.

    The layers of a PatchGAN (Isola et al., CVPR 2017) without normalisation. What matters for dense
    prediction is "the network structure instead of the trained weights" (Liu et al., arXiv 2103.10571): this
    is the control for every backbone that was trained.

    Args:
        channels: of the images.
        widths: channels of its layers.
    """

    def __init__(self, channels: int = 3, widths: Sequence[int] = (32, 64, 128)) -> None:
        super().__init__()
        for width in (channels, *widths):
            require_number('RandomFeatures: widths', width, least=1, most=65536, whole=True)
        layers: list[nn.Module] = []
        for before, after in zip((channels, *widths[:-1]), widths, strict=True):
            conv = nn.Conv2d(before, after, 4, stride=2, padding=1)
            nn.init.kaiming_normal_(conv.weight, a=0.2)
            nn.init.zeros_(conv.bias)
            layers += [conv, nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> Tensor:
        """Features (N, widths[-1], H / 2^n, W / 2^n) of images (N, C, H, W)."""
        return self.layers(image)
