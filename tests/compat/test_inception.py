"""FID and IS with Inception weights from a file, in both styles, and never from the network."""

import socket
from pathlib import Path

import pytest
import torch
from mmagic.evaluation.functional import inception_utils
from mmagic.evaluation.functional.fid_inception import fid_inception_v3
from mmagic.evaluation.metrics import FrechetInceptionDistance, InceptionScore, TransFID, TransIS
from mmagic.registry import METRICS
from mmagic.utils import register_all_modules

from mmagic_mikd.compat import inception_offline
from mmagic_mikd.utils.errors import ConfigError

TRANSLATION = (TransFID, TransIS)


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    """No network, and no weights left over from earlier downloads."""

    def refuse(*args, **kwargs):
        raise AssertionError('a download was tried')

    monkeypatch.setattr(socket, 'create_connection', refuse)
    monkeypatch.setattr(inception_offline, '_cache', lambda style: tmp_path / 'cache')


class Script(torch.nn.Module):
    """The calling convention of the StyleGAN style: features for FID, class probabilities for IS."""

    def forward(self, img, return_features: bool = False, no_output_bias: bool = False):
        mean = img.float().mean((2, 3))
        return mean if return_features else torch.softmax(mean, 1)


@pytest.fixture
def script(tmp_path) -> str:
    torch.jit.script(Script()).save(tmp_path / 'script.pt')
    return str(tmp_path / 'script.pt')


@pytest.fixture(scope='module')
def fid_weights(tmp_path_factory) -> tuple[Path, dict]:
    state = fid_inception_v3(load_ckpt=False).state_dict()
    path = tmp_path_factory.mktemp('weights') / 'fid.pth'
    torch.save(state, path)
    return path, state


@pytest.mark.parametrize('kind', ['FID', 'IS'])
def test_stock_metrics_ignore_the_given_file_and_download(stock, kind):
    assert 'downloads https://' in stock[f'inception_offline: {kind}']


@pytest.mark.parametrize('metric', [FrechetInceptionDistance, InceptionScore, *TRANSLATION])
def test_torchscript_weights_are_read_from_the_given_file(metric, script):
    loaded = metric(4, inception_style='StyleGAN', inception_path=script)
    assert loaded.inception_style == 'StyleGAN'
    assert not loaded.inception.training
    assert loaded.inception(torch.full((1, 3, 4, 4), 2, dtype=torch.uint8), True).tolist() == [[2, 2, 2]]


def test_fid_reads_a_pytorch_state_dict(fid_weights):
    path, state = fid_weights
    metric = TransFID(4, inception_style='PyTorch', inception_path=str(path))
    assert metric.inception_style == 'pytorch'
    first = metric.inception.blocks[0][0].conv.weight
    assert torch.equal(first, state['Conv2d_1a_3x3.conv.weight'])
    assert metric.forward_inception(torch.zeros(1, 3, 32, 32)).shape == (1, 2048)


def test_is_reads_a_pytorch_state_dict(tmp_path):
    from torchvision.models import inception_v3

    state = inception_v3(weights=None, init_weights=False).state_dict()
    torch.save(state, tmp_path / 'is.pth')
    metric = TransIS(4, inception_style='PyTorch', inception_path=str(tmp_path / 'is.pth'))
    assert torch.equal(metric.inception.fc.weight, state['fc.weight'])
    assert metric.inception.transform_input is False
    assert metric.inception(torch.zeros(1, 3, 299, 299)).shape == (1, 1000)


def test_weights_that_were_downloaded_before_are_found(script, tmp_path):
    (tmp_path / 'cache').mkdir()
    Path(script).rename(tmp_path / 'cache' / inception_offline.SCRIPT_URL.rpartition('/')[2])
    assert TransFID(4).inception_style == 'StyleGAN'


@pytest.mark.parametrize('style, url', [('StyleGAN', 'nvidia'), ('PyTorch', 'pytorch')])
@pytest.mark.parametrize('metric', TRANSLATION)
def test_absent_weights_are_one_clear_error_as_the_evaluator_is_built(metric, style, url):
    register_all_modules()
    with pytest.raises(ConfigError) as caught:
        METRICS.build(
            dict(type=metric.__name__, fake_nums=4, inception_style=style, inception_path='/no/such.pt')
        )
    message = str(caught.value)
    assert '/no/such.pt' in message and url in message
    assert f'`inception_path` of {metric.__name__} in val_evaluator and test_evaluator' in message


def test_without_a_path_the_error_is_the_same():
    with pytest.raises(
        ConfigError, match=r'TransFID .*finds no Inception weights at .*inception-2015-12-05\.pt'
    ):
        TransFID(4)


def test_a_file_of_something_else_is_named(tmp_path, script):
    torch.save({'w': torch.ones(1)}, tmp_path / 'other.pth')
    with pytest.raises(
        ConfigError, match=r'TransFID\.inception_path: .*other\.pth is not a copy of .*pt_inception'
    ):
        TransFID(4, inception_style='PyTorch', inception_path=str(tmp_path / 'other.pth'))
    with pytest.raises(ConfigError, match=r'other\.pth is not a copy of .*inception-2015-12-05\.pt'):
        TransFID(4, inception_style='StyleGAN', inception_path=str(tmp_path / 'other.pth'))


def test_statistics_of_real_images_are_kept_apart_by_their_weights(tmp_path, script, monkeypatch):
    """The toolbox caches them under a name made from the metric; another network must not read them."""

    class Data(torch.utils.data.Dataset):
        data_root, data_prefix, metainfo, pipeline = 'root', {}, {}, []

        def __len__(self):
            return 1

    class Louder(Script):
        def forward(self, img, return_features: bool = False, no_output_bias: bool = False):
            return 2 * img.float().mean((2, 3))

    torch.jit.script(Louder()).save(tmp_path / 'louder.pt')
    loader = torch.utils.data.DataLoader(Data())
    names = set()
    for path in (script, str(tmp_path / 'louder.pt')):
        metric = TransFID(4, inception_path=path)
        name, _ = inception_utils.get_inception_feat_cache_name_and_args(loader, metric, 4, True, False)
        names.add(name)
    assert len(names) == 2
