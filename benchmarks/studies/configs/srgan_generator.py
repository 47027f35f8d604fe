"""Generator of github.com/shahinur-alam/SRGAN, written anew from the names in its weights.

A teacher from outside of MMagic: docs/foreign_teacher.md explains the case.
"""

from mmengine.registry import MODELS
from torch import nn
from torch.nn.functional import pixel_shuffle


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)
        self.conv2, self.bn2 = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)
        self.prelu = nn.PReLU()

    def forward(self, x):
        return x + self.bn2(self.conv2(self.prelu(self.bn1(self.conv1(x)))))


class Upsample(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv, self.prelu = nn.Conv2d(channels, 4 * channels, 3, padding=1), nn.PReLU()

    def forward(self, x):
        return self.prelu(pixel_shuffle(self.conv(x), 2))


@MODELS.register_module()
class SRGANGenerator(nn.Module):
    """RGB images (N, 3, H, W) in [0, 1] to ``factor`` (2 or 4) times their size, in the same range."""

    def __init__(self, factor=4, channels=64):
        super().__init__()
        self.block1 = nn.Sequential(nn.Conv2d(3, channels, 9, padding=4), nn.PReLU())
        for i in range(2, 7):
            setattr(self, f'block{i}', Residual(channels))
        self.block7 = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels))
        enlarging = [Upsample(channels) for _ in range(factor // 2)]
        self.block8 = nn.Sequential(*enlarging, nn.Conv2d(channels, 3, 9, padding=4))

    def forward(self, x):
        first = y = self.block1(x)
        for i in range(2, 8):
            y = getattr(self, f'block{i}')(y)
        return (self.block8(first + y).tanh() + 1) / 2
