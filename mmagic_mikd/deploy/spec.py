"""What goes into a deployed generator and what comes out, for programs that know nothing of the toolbox."""

import math
from dataclasses import asdict, dataclass

from torch import nn

from .form import takes_latents


@dataclass(frozen=True)
class Spec:
    """The interface of a deployed generator.

    Attributes:
        kind: 'image' for one that takes images, 'latent' for one that takes standard normal vectors.
        order: of the channels that go in, 'RGB', 'BGR', or 'GREY'.
        lowest, highest: black and white in its images, as numbers; the same for input and output.
        multiple: height and width of an input are to be multiples of it.
        scale: how many times larger the output is.
        statistics: of batch normalisation, 'image' or 'frozen'; 'none' where there is none.
        shape: of one input, without the batch, for which the file was checked.
        dynamic: whether it takes other sizes, too.
        batch: whether it takes several inputs at once, and makes of each what it makes of it alone.
        output_order: of the channels that come out; by default, as in files of before, that of the input.
    """

    kind: str
    order: str
    lowest: float
    highest: float
    multiple: int
    scale: float
    statistics: str
    shape: tuple[int, ...]
    dynamic: bool = False
    batch: bool = False
    output_order: str = ''

    def __post_init__(self) -> None:
        if not self.output_order:
            object.__setattr__(self, 'output_order', self.order)

    def as_dict(self) -> dict:
        return asdict(self)


def multiple_of(generator: nn.Module) -> int:
    """By which the sides of an input are divided on the way down: two for each strided convolution.

    Restormer has an unshuffling of pixels in their place.
    """
    if takes_latents(generator):
        return 1
    strides = [max(m.stride) for m in generator.modules() if isinstance(m, nn.Conv2d)]
    strides += [m.downscale_factor for m in generator.modules() if isinstance(m, nn.PixelUnshuffle)]
    return math.prod(stride for stride in strides if stride > 1)
