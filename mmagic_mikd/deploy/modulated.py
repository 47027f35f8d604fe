"""StyleGAN2's modulated convolution with one weight for a whole batch, as ONNX wants it."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SharedWeightConv2d(nn.Module):
    """What MMagic's ``ModulatedConv2d`` makes, with activations scaled in place of weights.

    Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (CVPR 2020), scale the weights by
    the style of a sample, w'_ijk = s_i w_ijk (eq. 1), and divide them by their norm over i and k,
    sqrt(sum w'_ijk^2 + eps) (eq. 2, 3). The toolbox then makes a group of each sample, and ONNX has no
    convolution whose number of groups is that of a batch. As a convolution is linear, s_i may scale channel i
    of its input instead, and the norm channel j of its output: the weights are those of every sample.

    Args:
        conv: of the toolbox, its weight computed as it is multiplied (equalised rate).
    """

    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.weight = nn.Parameter(conv.weight.detach()[0], requires_grad=False)  # (out, in, k, k)
        self.style_modulation, self.style_bias = conv.style_modulation, conv.style_bias
        self.demodulate, self.eps, self.padding = conv.demodulate, conv.eps, conv.padding
        self.upsample, self.downsample = conv.upsample, conv.downsample
        self.blur = conv.blur if conv.upsample or conv.downsample else nn.Identity()

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Features (N, out, H', W') of features (N, in, H, W) and styles (N, D)."""
        scale = self.style_modulation(style) + self.style_bias  # (N, in)
        x = x * scale[:, :, None, None]
        if self.upsample:
            x = self.blur(F.conv_transpose2d(x, self.weight.transpose(0, 1), stride=2))
        elif self.downsample:
            x = F.conv2d(self.blur(x), self.weight, stride=2)
        else:
            x = F.conv2d(x, self.weight, padding=self.padding)
        if not self.demodulate:
            return x
        energy = self.weight.square().sum((2, 3))  # (out, in), a constant that runtimes fold
        return x * torch.rsqrt(scale.square() @ energy.T + self.eps)[:, :, None, None]


def share_weights(network: nn.Module) -> None:
    """Put it in the place of every modulated convolution of the toolbox, in whatever generator.

    Relatives with a forward of their own, such as MSPIE's, stay; so does one that computes in half precision,
    which scales its weights first.
    """
    # importing us must not import the whole of MMagic
    from mmagic.models.editors.stylegan2.stylegan2_modules import ModulatedConv2d

    for module in list(network.modules()):
        for name, child in module.named_children():
            if type(child) is ModulatedConv2d and not child.fp16_enabled:
                setattr(module, name, SharedWeightConv2d(child))
