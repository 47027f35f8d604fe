"""Names the network whose convolution gets images of other channels than it is made for."""

import re
from collections.abc import Iterable
from types import FrameType

from mmengine.model import BaseModel
from torch import nn

CHANNELS = re.compile(r'expected input\[.*\] to have (\d+) channels?, but got (\d+) channels?')


def about_channels(error: BaseException, frames: Iterable[FrameType]) -> str | None:
    """PyTorch speaks of the convolution alone; the frames of the error are from the outside inwards."""
    found = CHANNELS.search(str(error))
    selves = [frame.f_locals.get('self') for frame in frames]
    model = next((each for each in selves if isinstance(each, BaseModel)), None)
    if not found or model is None:
        return None
    paths = {module: path for path, module in model.named_modules() if path}
    called = [path for each in selves if isinstance(each, nn.Module) and (path := paths.get(each))]
    network = next(
        (path for path in called if not path.endswith(('generators', 'discriminators'))), 'a network'
    )
    return (
        f'{network!r} of the model takes images of {found[1]} channel(s) and is given {found[2]}: set its '
        f'in_channels in `model` to {found[2]}, or change what it is given (out_channels of the generator, '
        'color_type in the data pipeline)'
    )
