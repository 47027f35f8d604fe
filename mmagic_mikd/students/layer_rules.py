"""What the weights of a layer do with channels: which make them, which read them, which belong to each."""

from typing import Any, NamedTuple

from mmagic.models.editors.mspie.mspie_stylegan2_modules import ModulatedPEConv2d
from mmagic.models.editors.nafnet.naf_layerNorm2d import LayerNorm2d
from mmagic.models.editors.pggan.pggan_modules import PixelNorm
from mmagic.models.editors.restormer.restormer_net import BiasFree_LayerNorm, WithBias_LayerNorm
from mmagic.models.editors.stylegan2.stylegan2_modules import (
    Blur,
    DownsampleUpFIRDn,
    ModulatedConv2d,
    UpsampleUpFIRDn,
    _FusedBiasLeakyReLU,
)
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

MODULATED = (ModulatedConv2d, ModulatedPEConv2d)  # of StyleGAN2, and of it with encoded positions
# what treats each channel for itself, but for a mean over all of them; and the dimension of the channels
CHANNELWISE: dict[type[nn.Module], int] = {
    _NormBase: 1,
    nn.GroupNorm: 1,
    nn.LayerNorm: -1,
    LayerNorm2d: 1,
    BiasFree_LayerNorm: -1,
    WithBias_LayerNorm: -1,
    PixelNorm: 1,
    nn.PReLU: 1,
    _FusedBiasLeakyReLU: 1,
    Blur: 1,
    UpsampleUpFIRDn: 1,
    DownsampleUpFIRDn: 1,
}
# of these the mean is over all channels, so that of a part of them is another
ACROSS = (nn.GroupNorm, nn.LayerNorm, LayerNorm2d, BiasFree_LayerNorm, WithBias_LayerNorm, PixelNorm)
AFFINE = (_NormBase, *ACROSS)
Result = tuple[Tensor, int]  # the unit of each channel that comes out, and their dimension


class Layer(NamedTuple):
    """A layer, and where it notes its units."""

    units: Any
    path: str
    module: nn.Module

    def note(self, weight: str, dimension: int, ids: Tensor, *kinds: set) -> None:
        """The units along a dimension of a weight, under its name in the `state_dict`, if there is one."""
        for name in (weight, f'{weight}_orig'):  # with an equalised learning rate
            held = self.module._parameters.get(name)
            held = self.module._buffers.get(name) if held is None else held
            if held is not None:
                axis = f'{self.path}.{name}'.lstrip('.'), dimension
                self.units.note(axis, held, ids)
                for kind in kinds:
                    kind.add(axis)


def rule_of(module: nn.Module) -> Any:
    """The function that knows the layer, or None."""
    if isinstance(module, MODULATED):
        return modulated
    if isinstance(module, _ConvNd):
        return grouped if module.groups > 1 else plain
    if isinstance(module, nn.Linear):
        return plain
    return channelwise if isinstance(module, tuple(CHANNELWISE)) else None


def plain(layer: Layer, x: Tensor) -> Result:
    """A convolution or a linear layer."""
    linear, transposed = isinstance(layer.module, nn.Linear), isinstance(layer.module, _ConvTransposeNd)
    dimension = x.dim() - 1 if linear else 1
    out = 1 if transposed else 0
    units = layer.units
    layer.note('weight', 1 - out, units.along(x, dimension), units.inputs)
    ids = units.new(layer.module.out_features if linear else layer.module.out_channels)
    layer.note('weight', out, ids, units.outputs)
    layer.note('bias', 0, ids)
    return ids, dimension


def grouped(layer: Layer, x: Tensor) -> Result:
    """A convolution in groups: each is one unit, with what it makes."""
    groups, units = layer.module.groups, layer.units
    read = units.along(x, 1).reshape(groups, -1)
    units.unite(read, read[:, :1].expand_as(read))
    made = units.roots(read[:, :1]).expand(groups, layer.module.out_channels // groups).flatten()
    dimension, rows = (0, read.flatten()) if isinstance(layer.module, _ConvTransposeNd) else (0, made)
    layer.note('weight', dimension, rows, units.outputs)
    layer.note('bias', 0, made)
    return made, 1


def modulated(layer: Layer, x: Tensor, style: Tensor) -> Result:
    """The convolution of StyleGAN2, whose style scales the channels that it reads."""
    units = layer.units
    read = units.along(x, 1)
    layer.note('weight', 2, read, units.inputs)
    ids = units.new(layer.module.out_channels)
    layer.note('weight', 1, ids, units.outputs)
    for path, part in layer.module.style_modulation.named_modules():
        if isinstance(part, nn.Linear):
            inner = Layer(units, f'{layer.path}.style_modulation.{path}'.rstrip('.'), part)
            inner.note('weight', 0, read)
            inner.note('weight', 1, units.along(style, 1), units.inputs)
            inner.note('bias', 0, read)
        elif part._parameters:  # the bias of the linear layer, where that is a part of its own
            Layer(units, f'{layer.path}.style_modulation.{path}'.rstrip('.'), part).note('bias', 0, read)
    return ids, 1


def channelwise(layer: Layer, x: Tensor, *_: Tensor) -> Result:
    """A normalisation, an activation, or a filter of each channel."""
    dimension = next(dim for kind, dim in CHANNELWISE.items() if isinstance(layer.module, kind)) % x.dim()
    units = layer.units
    ids = units.along(x, dimension)
    if isinstance(layer.module, nn.GroupNorm):
        units.divide(ids.reshape(layer.module.num_groups, -1))
    for name in ('weight', 'bias', 'running_mean', 'running_var'):
        weight = getattr(layer.module, name, None)
        if isinstance(weight, Tensor) and weight.shape == ids.shape:
            kinds = [units.scales] if name == 'weight' and isinstance(layer.module, AFFINE) else []
            layer.note(name, 0, ids, *kinds)
    return ids, dimension
