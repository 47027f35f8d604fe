"""FID and IS download Inception weights in the middle of a run, and may ignore a given file.

`inception_path` is read only in the 'StyleGAN' style; in the 'PyTorch' style the weights come from
the network. The cache of the real images' statistics ignores which weights made them. Upstream:
mmgeneration#48, in the predecessor, brought the download in. Here both styles read a local file,
and nothing is downloaded unless `inception_path` is a URL. Delete this file when upstream does that.
"""

import hashlib
from contextlib import contextmanager
from pathlib import Path

from ..utils.errors import ConfigError
from . import on_import

FID_URL = 'https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth'
IS_URL = 'https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth'
SCRIPT_URL = (
    'https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/inception-2015-12-05.pt'
)


def apply(report) -> None:
    for name, metric in (
        ('fid', 'FrechetInceptionDistance'),
        ('inception_score', 'InceptionScore'),
    ):
        on_import.after(
            f'mmagic.evaluation.metrics.{name}',
            lambda module, metric=metric: report(repair(getattr(module, metric))),
        )


def repair(metric) -> bool:
    """Load the network of this metric and its subclasses from a file."""

    def load_inception(self, inception_style, inception_path):
        file = weights_file(type(self).__name__, self.name, inception_style, inception_path)
        if inception_path:  # read by the toolbox for the name of its cache of statistics
            self.inception_args = {'sha256': hashlib.sha256(file.read_bytes()).hexdigest()}
        try:
            network = _load(self.name, inception_style, file)
        except Exception as error:
            raise ConfigError(
                f'{type(self).__name__}.inception_path: {file} is not a copy of '
                f'{_url(self.name, inception_style)}, which inception_style={inception_style!r} '
                f'needs ({error})'
            ) from error
        return network.eval(), 'StyleGAN' if inception_style == 'StyleGAN' else 'pytorch'

    metric._load_inception = load_inception
    return True


def weights_file(metric: str, kind: str, style: str, path: str | None) -> Path:
    """Where the weights of `metric` (its `kind` is 'FID' or 'IS') are on this machine, or a ConfigError."""
    from mmagic.utils import download_from_url

    if path and path.startswith(('http://', 'https://')):
        return Path(download_from_url(path))
    url = _url(kind, style)
    file = Path(path).expanduser() if path else _cache(style) / url.rpartition('/')[2]
    if not file.is_file():
        raise ConfigError(
            f'{metric} (inception_style={style!r}) finds no Inception weights at {file}, and nothing '
            f'is downloaded during a run. Download {url} and give its path as `inception_path` of '
            f'{metric} in val_evaluator and test_evaluator, or take this metric out of them.'
        )
    return file


def _url(kind: str, style: str) -> str:
    if style == 'StyleGAN':
        return SCRIPT_URL
    return FID_URL if kind == 'FID' else IS_URL


def _cache(style: str) -> Path:
    """Where the toolbox used to leave its downloads."""
    import torch
    from mmagic.utils import MMAGIC_CACHE_DIR

    return Path(MMAGIC_CACHE_DIR) if style == 'StyleGAN' else Path(torch.hub.get_dir()) / 'checkpoints'


def _load(kind: str, style: str, file: Path):
    import torch

    if style == 'StyleGAN':
        return torch.jit.load(file, map_location='cpu')
    state = torch.load(file, map_location='cpu', weights_only=True)
    state = state.get('state_dict', state)
    if kind == 'FID':
        return _fid_network(state)

    from torchvision.models import inception_v3

    network = inception_v3(weights=None, transform_input=False, init_weights=False)
    network.load_state_dict(state)
    return network


def _fid_network(state: dict):
    """The toolbox's own network, given `state` where it would download."""
    from mmagic.evaluation.functional import fid_inception

    with _replaced(fid_inception, 'load_url', lambda *args, **kwargs: state):
        return fid_inception.InceptionV3([3], normalize_input=False)


@contextmanager
def _replaced(module, name: str, value):
    stock = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, stock)
