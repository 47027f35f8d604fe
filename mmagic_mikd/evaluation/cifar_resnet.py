"""The CIFAR residual network: a feature extractor of 3.5 MB, for evaluation without downloads."""

import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import Tensor, nn


class _BasicBlock(nn.Module):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.stride = out_channels // in_channels
        self.grown = (out_channels - in_channels) // 2
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, self.stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        # option A: every second pixel, the new channels are zero, half before and half after
        shortcut = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.grown, self.grown))
        return F.relu(out + shortcut)


@MODELS.register_module()
class CifarResNet(nn.Module):
    """Residual network for 32x32 images (He et al., CVPR 2016, section 4.2), without its classifier.

    Three stages of (depth - 2) / 6 basic blocks with 16, 32 and 64 channels and parameter-free
    shortcuts. Input (N, 3, 32, 32), RGB, normalised with the ImageNet mean and deviation. As an
    mmpretrain backbone it returns a tuple, here of one feature map (N, 64, 8, 8).
    """

    def __init__(self, depth: int = 56) -> None:
        super().__init__()
        if depth % 6 != 2:
            raise ValueError(f'CifarResNet: depth={depth} is not 6 n + 2 (20, 32, 44, 56, 110)')
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        blocks = (depth - 2) // 6
        self.layer1 = self._stage(16, 16, blocks)
        self.layer2 = self._stage(16, 32, blocks)
        self.layer3 = self._stage(32, 64, blocks)

    @staticmethod
    def _stage(in_channels: int, out_channels: int, blocks: int) -> nn.Sequential:
        rest = [_BasicBlock(out_channels, out_channels) for _ in range(blocks - 1)]
        return nn.Sequential(_BasicBlock(in_channels, out_channels), *rest)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        x = F.relu(self.bn1(self.conv1(x)))
        return (self.layer3(self.layer2(self.layer1(x))),)
