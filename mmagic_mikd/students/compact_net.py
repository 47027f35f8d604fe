"""The small network that the authors of Real-ESRGAN publish themselves: a rival, and a start for students."""

import torch.nn.functional as F
from torch import Tensor, nn


class CompactNet(nn.Module):
    """Convolutions at the size of the input, a pixel shuffle, and the input enlarged: realesr-animevideov3.

    Names of the weights are those of the authors' file (their `SRVGGNetCompact`). RGB in [0, 1].

    Args:
        channels: of every layer.
        layers: of convolutions between the first and the last.
        scale: by which the image grows.
    """

    def __init__(self, channels: int = 64, layers: int = 16, scale: int = 4) -> None:
        super().__init__()
        body: list[nn.Module] = []
        for given in (3, *[channels] * layers):
            body += [nn.Conv2d(given, channels, 3, padding=1), nn.PReLU(channels)]
        self.body = nn.Sequential(*body, nn.Conv2d(channels, 3 * scale**2, 3, padding=1))
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        enlarged = F.interpolate(x, scale_factor=self.scale, mode='nearest')
        return F.pixel_shuffle(self.body(x), self.scale) + enlarged
