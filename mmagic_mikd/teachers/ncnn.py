"""Weights of an ncnn model (`.param` and `.bin`, float16), under the names of the PyTorch network."""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ..utils.errors import ConfigError

FLOAT16 = 0x01306B47  # tag before the weights of a convolution
HAVE_WEIGHTS = (nn.Conv2d, nn.PReLU)
LAYER = re.compile(r'^(Convolution|PReLU)\s+(\S+)\s.*?\s0=(\d+)(?:.*?\s6=(\d+))?', re.M)


class Layer(NamedTuple):
    """A layer with weights: how many channels leave it, and its numbers in the order of the file."""

    kind: str
    name: str
    channels: int
    weights: int


def layers_of(param: str) -> list[Layer]:
    """The convolutions and PReLUs of a `.param` file, in the order of its `.bin`."""
    found = LAYER.findall(param)
    return [Layer(kind, name, int(channels), int(count or 0)) for kind, name, channels, count in found]


def state_dict_from_ncnn(param: str, content: bytes, network: nn.Module) -> dict[str, Tensor]:
    """Weights for ``network``, whose layers are registered in the order of the model's.

    Args:
        param: text of the `.param` file.
        content: of the `.bin` file.

    Raises:
        ConfigError: the model has other layers than the network, or other bytes than its `.param` says.
    """
    layers = layers_of(param)
    modules = [(name, m) for name, m in network.named_modules() if isinstance(m, HAVE_WEIGHTS)]
    if len(layers) != len(modules):
        raise ConfigError(
            f'the ncnn model has {len(layers)} layers with weights, {type(network).__name__} has '
            f'{len(modules)}: build the network of exactly that model'
        )
    made: dict[str, Tensor] = {}
    reader = Reader(content)
    for layer, (name, module) in zip(layers, modules, strict=True):
        wanted = {key: tuple(value.shape) for key, value in module.named_parameters()}
        for key, values in reader.numbers_of(layer):
            shape = wanted.get(key)
            if shape is None or values.numel() != torch.Size(shape).numel():
                raise ConfigError(
                    f'layer {layer.name} of the ncnn model has {values.numel()} values for {name}.{key}, '
                    f'which has shape {shape}: build the network of exactly that model'
                )
            made[f'{name}.{key}'] = values.reshape(shape)
    reader.require_end()
    return made


class Reader:
    """Walks through a `.bin` file."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    def numbers_of(self, layer: Layer) -> Iterator[tuple[str, Tensor]]:
        """Parameters of the next layer by their names in PyTorch."""
        if layer.kind == 'PReLU':
            yield 'weight', self._take(layer, np.dtype('<f4'), layer.channels)
            return
        (tag,) = struct.unpack('<I', self._bytes(layer, 4))
        if tag != FLOAT16:
            raise ConfigError(f'layer {layer.name} of the ncnn model is not float16 (tag {tag:#010x})')
        yield 'weight', self._take(layer, np.dtype('<f2'), layer.weights)
        self._at += -self._at % 4
        yield 'bias', self._take(layer, np.dtype('<f4'), layer.channels)

    def require_end(self) -> None:
        if self._at != len(self._content):
            raise ConfigError(
                f'the ncnn model has {len(self._content) - self._at} bytes after its last layer: its .param '
                'and .bin belong to different models'
            )

    def _take(self, layer: Layer, kind: np.dtype, count: int) -> Tensor:
        values = np.frombuffer(self._bytes(layer, kind.itemsize * count), kind)
        return torch.from_numpy(values.astype(kind.newbyteorder('=')))

    def _bytes(self, layer: Layer, count: int) -> bytes:
        taken = self._content[self._at : self._at + count]
        if len(taken) < count:
            raise ConfigError(f'the ncnn model ends within its layer {layer.name}: fetch its files again')
        self._at += count
        return taken
