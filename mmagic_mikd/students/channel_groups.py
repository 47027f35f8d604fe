"""Which channels of MMagic's networks are those of several features, one after the other."""

from collections.abc import Callable, Iterator

from mmagic.models.editors.esrgan.rrdb_net import ResidualDenseBlock
from mmagic.models.editors.nafnet.nafnet_net import NAFBlock
from mmagic.models.editors.pix2pix.pix2pix_modules import UnetSkipConnectionBlock
from mmagic.models.editors.rdn.rdn_net import RDB, RDNNet
from mmagic.models.editors.stylegan2.stylegan2_generator import StyleGAN2Generator
from torch import nn

Part = tuple[str, int, list[int]]  # name of a weight, one of its dimensions, sizes of the features there


def features(network: nn.Module) -> dict[str, tuple[int, list[int]]]:
    """Weights of which one dimension holds several features: name -> that dimension, their channels."""
    known = {}
    for path, module in network.named_modules():
        for kind, parts in PARTS.items():
            for name, dimension, sizes in parts(module) if isinstance(module, kind) else ():
                known[f'{path}.{name}'.lstrip('.')] = dimension, sizes
    return known


def _u_net(block: UnetSkipConnectionBlock) -> Iterator[Part]:
    """The decoder reads the encoder's feature and the one from below."""
    if any(isinstance(part, UnetSkipConnectionBlock) for part in block.model):  # the innermost has one
        up = [place for place, part in enumerate(block.model) if hasattr(part, 'conv')][-1]
        channels = block.model[up].conv.weight.shape[0]
        yield f'model.{up}.conv.weight', 0, [channels // 2] * 2


def _rdn_block(block: RDB) -> Iterator[Part]:
    """Each layer reads the block's input and the outputs of all layers before it."""
    sizes = [block.lff.weight.shape[0]]
    for index, layer in enumerate(block.layers):
        yield f'layers.{index}.conv.weight', 1, [*sizes]
        sizes.append(layer.conv.weight.shape[0])
    yield 'lff.weight', 1, sizes


def _rdn(network: RDNNet) -> Iterator[Part]:
    """The fusion reads the outputs of all blocks."""
    yield 'gff.0.weight', 1, [network.mid_channels] * network.num_blocks


def _rrdb(block: ResidualDenseBlock) -> Iterator[Part]:
    sizes = [block.conv5.weight.shape[0]]
    for index in range(1, 6):
        yield f'conv{index}.weight', 1, [*sizes]
        sizes.append(getattr(block, f'conv{index}').weight.shape[0])


def _naf(block: NAFBlock) -> Iterator[Part]:
    """The simple gate multiplies the first half of the channels by the second."""
    for name in ('conv1', 'conv2', 'conv4'):
        channels = getattr(block, name).weight.shape[0]
        for part in ('weight', 'bias'):
            yield f'{name}.{part}', 0, [channels // 2] * 2


def _one_feature(module: nn.Module) -> Iterator[Part]:
    """What it joins are styles, one after the other."""
    return iter(())


PARTS: dict[type[nn.Module], Callable[..., Iterator[Part]]] = {
    UnetSkipConnectionBlock: _u_net,
    RDB: _rdn_block,
    RDNNet: _rdn,
    ResidualDenseBlock: _rrdb,
    NAFBlock: _naf,
    StyleGAN2Generator: _one_feature,
}
