"""Folders as tools/export.py writes them, of small networks, and what their files make in Python."""

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from mmagic_mikd.apps.demo import exported
from mmagic_mikd.deploy import produce
from mmagic_mikd.deploy.form import Deployed
from mmagic_mikd.deploy.picture import translated
from mmagic_mikd.deploy.spec import Spec


class Dreamer(nn.Module):
    """A picture of noise."""

    noise_size = 20

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(20, 3 * 16 * 16)

    def forward(self, z):
        return self.linear(z).view(-1, 3, 16, 16).tanh()


DREAMER = Spec('latent', 'BGR', -1.0, 1.0, 1, 1.0, 'none', (Dreamer.noise_size,))


def photograph(height, width, seed=0):
    """RGB pixels without edges."""
    drawn = torch.Generator().manual_seed(seed)
    small = torch.rand(1, 3, 6, 6, generator=drawn)
    return (
        (F.interpolate(small, (height, width), mode='bicubic')[0] * 255).clamp(0, 255).byte().permute(1, 2, 0)
    )


def labels(side=64):
    """Three colours in flat areas."""
    picture = torch.tensor([0, 0, 170], dtype=torch.uint8).expand(side, side, 3).clone()
    picture[8:24, 8:40] = torch.tensor([255, 85, 0], dtype=torch.uint8)
    picture[36:56, 30:60] = torch.tensor([0, 255, 255], dtype=torch.uint8)
    return picture


def keep(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture.numpy()[..., ::-1])
    return path


def folder_of(network, spec, folder, pictures=(), statistics='frozen', dynamic=True):
    """What tools/export.py writes."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    example = torch.rand(1, *spec.shape) * (spec.highest - spec.lowest) + spec.lowest
    made = produce.file(Deployed(network(), statistics), spec, [example], 'onnx', 'fp32', dynamic, folder)
    about = dict(
        precision='fp32', config='</script><script>alert(1)</script>', error=made.difference._asdict()
    )
    produce.publish(made.path, folder / 'student.onnx', made.spec.as_dict() | about)
    for number, picture in enumerate(pictures):
        keep(folder / 'inputs' / f'{number}.png', picture)
    return folder


def in_python(folder, picture):
    """What the file makes of an RGB picture, as a whole."""
    network = exported.read(folder)
    return translated(torch.as_tensor(picture).byte(), network.generate, network.spec).numpy().astype(int)


def far(a, b):
    assert a.shape == b.shape
    return np.abs(a - b).max()
