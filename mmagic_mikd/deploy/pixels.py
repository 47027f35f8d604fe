"""A deployed generator for programs that hold pictures: RGB of whole numbers in, the same out."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ..utils.errors import ConfigError
from .form import Deployed
from .picture import input_picture, to_input, to_picture
from .spec import Spec
from .write import onnx_of, quiet

ROUNDING = 1  # grey levels by which two roundings of one value may differ


class Pixels(nn.Module):
    """Range and order of the channels, which a file of numbers leaves to its user, as part of the network."""

    def __init__(self, network: Deployed, spec: Spec) -> None:
        super().__init__()
        self.network, self.spec = network, spec

    def forward(self, x: Tensor) -> Tensor:
        """uint8 RGB (1, H, W, 3) of such a picture; height and width are multiples of ``spec.multiple``."""
        return to_picture(self.network(to_input(x[0], self.spec)), self.spec)[None]


def write_pixels(network: Deployed, spec: Spec, inputs: Sequence[Tensor], path: Path) -> None:
    """Write it as ONNX, and run the file on the inputs of the float one.

    Raises:
        ConfigError: the file does not make what PyTorch makes; it is not left.
    """
    pixels = Pixels(network, spec)
    pictures = [input_picture(x, spec)[None] for x in inputs]
    auto = torch.export.Dim.AUTO
    with quiet():
        sizes = dict(x={1: auto, 2: auto}) if spec.dynamic else None
        program = torch.export.export(pixels, (pictures[0],), dynamic_shapes=sizes)
        onnx_of(program, path)
    worst = max(_difference(path, picture, pixels(picture)) for picture in pictures)
    if worst > ROUNDING:
        path.unlink()
        raise ConfigError(f'--uint8: the file differs from PyTorch by {worst} grey levels; leave it out')


def _difference(path: Path, picture: Tensor, wanted: Tensor) -> int:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    (made,) = session.run(None, dict(x=picture.numpy()))
    return (torch.from_numpy(made).int() - wanted.int()).abs().max().item()
