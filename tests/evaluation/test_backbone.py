"""Features of a pretrained backbone: its weights, its preprocessing, its errors."""

import pytest
import torch
import torch.nn.functional as F
from places import ROOT
from torch import nn

from mmagic_mikd.backbones.weights import load_backbone
from mmagic_mikd.evaluation import CifarResNet
from mmagic_mikd.evaluation.backbone import BackboneFeatures
from mmagic_mikd.utils.errors import ConfigError

WEIGHTS = ROOT.parent / 'shared/data/weights_cifar_resnet/resnet56-4bfd9763.th'
needs_weights = pytest.mark.skipif(not WEIGHTS.is_file(), reason='needs ../shared/data/weights_cifar_resnet')
IDENTITY = dict(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


def reference_resnet56(state, x):
    """The same network written down once more, from the weights alone: features and class scores."""

    def conv_bn(x, block, number, stride=1):
        x = F.conv2d(x, state[f'module.{block}conv{number}.weight'], stride=stride, padding=1)
        names = ('running_mean', 'running_var', 'weight', 'bias')
        return F.batch_norm(x, *(state[f'module.{block}bn{number}.{name}'] for name in names))

    x = conv_bn(x, '', 1).relu()
    for stage in (1, 2, 3):
        for index in range(9):
            block = f'layer{stage}.{index}.'
            stride = 2 if stage > 1 and index == 0 else 1
            out = conv_bn(conv_bn(x, block, 1, stride).relu(), block, 2)
            if stride == 2:
                zeros = torch.zeros(*out[:, : x.shape[1] // 2].shape)
                x = torch.cat([zeros, x[:, :, ::2, ::2], zeros], dim=1)
            x = (out + x).relu()
    return x.mean(dim=(2, 3))


@needs_weights
def test_cifar_resnet_is_the_published_network():
    state = torch.load(WEIGHTS, map_location='cpu', weights_only=True)['state_dict']
    network = CifarResNet(56).eval()
    load_backbone(network, str(WEIGHTS), 'key')
    classifier = 64 * 10 + 10
    assert sum(p.numel() for p in network.parameters()) + classifier == 853_018
    x = torch.randn(2, 3, 32, 32)
    (features,) = network(x)
    assert features.shape == (2, 64, 8, 8)
    torch.testing.assert_close(features.mean(dim=(2, 3)), reference_resnet56(state, x))


@needs_weights
def test_weights_of_another_depth_do_not_fit():
    with pytest.raises(ConfigError, match=r'Metric.checkpoint=.*does not fit.*CifarResNet.*missing'):
        load_backbone(CifarResNet(110), str(WEIGHTS), 'Metric.checkpoint')


def test_depth_must_be_of_the_family():
    with pytest.raises(ValueError, match='depth=18 is not 6 n'):
        CifarResNet(18)


@pytest.mark.parametrize('prefix', ['', 'module.', 'backbone.', 'module.backbone.'])
@pytest.mark.parametrize('wrapped', [True, False])
def test_the_usual_checkpoint_layouts_load(tmp_path, prefix, wrapped):
    trained, network = CifarResNet(8), CifarResNet(8)
    state = {prefix + name: value for name, value in trained.state_dict().items()}
    state['head.fc.weight'] = torch.zeros(10, 64)
    torch.save(dict(state_dict=state) if wrapped else state, tmp_path / 'weights.pth')
    load_backbone(network, str(tmp_path / 'weights.pth'), 'key')
    for ours, theirs in zip(network.parameters(), trained.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_sizes_that_differ_are_named(tmp_path):
    state = CifarResNet(8).state_dict()
    state['conv1.weight'] = torch.zeros(8, 3, 3, 3)
    torch.save(state, tmp_path / 'weights.pth')
    with pytest.raises(ConfigError, match=r'does not fit.*conv1\.weight'):
        load_backbone(CifarResNet(8), str(tmp_path / 'weights.pth'), 'key')


def test_an_absent_file_is_named_with_its_key(tmp_path):
    with pytest.raises(ConfigError, match=r'Metric\.checkpoint=.*nowhere\.pth does not exist; set it'):
        load_backbone(CifarResNet(8), str(tmp_path / 'nowhere.pth'), 'Metric.checkpoint')


class Malicious:
    def __reduce__(self):
        return (pytest.fail, ('code of a checkpoint was executed',))


def test_a_checkpoint_cannot_execute_code(tmp_path):
    torch.save(dict(state_dict=Malicious()), tmp_path / 'weights.pth')
    with pytest.raises(ConfigError, match='cannot be read as a file of tensors'):
        load_backbone(CifarResNet(8), str(tmp_path / 'weights.pth'), 'key')


def test_images_are_bgr_rounded_and_normalised():
    features = BackboneFeatures(nn.Identity(), 4, mean=(1.0, 2.0, 3.0), std=(1.0, 2.0, 4.0))
    blue, green, red = 10.4, 20.6, 300.0
    image = torch.tensor([blue, green, red]).view(1, 3, 1, 1).expand(1, 3, 9, 7)
    expected = torch.tensor([[(255.0 - 1) / 1, (21.0 - 2) / 2, (10.0 - 3) / 4]])
    torch.testing.assert_close(features(image), expected)


def test_grey_images_get_three_channels():
    features = BackboneFeatures(nn.Identity(), 4, **IDENTITY)
    assert features(torch.full((2, 1, 8, 8), 7.0)).tolist() == [[7.0] * 3] * 2


def test_shrinking_does_not_alias():
    """A fine checkerboard is its mean grey; plain bilinear interpolation would keep single pixels."""
    board = torch.zeros(1, 3, 64, 64)
    board[:, :, ::2, ::2] = board[:, :, 1::2, 1::2] = 200
    features = BackboneFeatures(nn.Flatten(1), 8, **IDENTITY)
    torch.testing.assert_close(features(board), torch.full((1, 3 * 64), 100.0), atol=1, rtol=0)


def test_any_registered_backbone_is_averaged_over_its_last_stage():
    pytest.importorskip('mmpretrain')
    features = BackboneFeatures(dict(type='mmpretrain.ResNet', depth=18), (32, 48), **IDENTITY)
    assert not any(module.training for module in features.modules())
    images = torch.randint(0, 256, (2, 3, 32, 48)).float()
    with torch.no_grad():
        expected = features.backbone(images.flip(1))[-1].mean(dim=(2, 3))
    assert expected.shape == (2, 512)
    torch.testing.assert_close(features(images), expected)


def test_building_leaves_the_random_stream_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    BackboneFeatures(dict(type='CifarResNet', depth=8), 32, **IDENTITY)
    assert torch.equal(torch.rand(2), expected)
