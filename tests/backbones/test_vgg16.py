"""VGG-16 under torchvision's names."""

import itertools

import pytest
import torch

from mmagic_mikd.backbones.backbone import Backbone
from mmagic_mikd.backbones.vgg16 import VGG16
from mmagic_mikd.backbones.weights import load_backbone
from mmagic_mikd.utils.errors import ConfigError

TAPS = ['features.3', 'features.8', 'features.15', 'features.22']


def test_layers_are_those_of_the_paper():
    """Channels and side of relu1_2, relu2_2, relu3_3 and relu4_3; 7.6 M parameters up to there."""
    network = VGG16()
    seen = Backbone(network, TAPS, 'key')(torch.rand(1, 3, 32, 32))
    assert [tuple(feature.shape[1:3]) for feature in seen] == [(64, 32), (128, 16), (256, 8), (512, 4)]
    assert all(feature.min() >= 0 for feature in seen)
    # by hand: 3 x 3 weights and a bias for each output
    widths = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512]
    expected = sum(9 * a * b + b for a, b in itertools.pairwise(widths))
    assert sum(p.numel() for p in network.parameters()) == expected == 7_635_264


def test_it_sees_bgr_as_the_weights_want_rgb():
    image, network = torch.rand(1, 3, 16, 16), VGG16()
    rgb = VGG16(bgr=False)
    rgb.load_state_dict(network.state_dict())
    assert torch.equal(network(image), rgb(image.flip(1)))
    assert not torch.equal(network(image), rgb(image))


def test_it_loads_the_file_of_torchvision(tmp_path):
    """Which has deeper convolutions and a classifier as well."""
    weights = {name: torch.randn_like(value) for name, value in VGG16().state_dict().items()}
    more = {'features.24.weight': torch.zeros(2), 'classifier.0.weight': torch.zeros(2, 2)}
    torch.save({**weights, **more}, tmp_path / 'vgg16.pth')
    network = VGG16()
    load_backbone(network, str(tmp_path / 'vgg16.pth'), 'key')
    assert all(torch.equal(value, weights[name]) for name, value in network.state_dict().items())
    with pytest.raises(ConfigError, match='nothing is downloaded'):
        load_backbone(network, str(tmp_path / 'absent.pth'), 'key')
