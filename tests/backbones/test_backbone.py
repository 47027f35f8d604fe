"""What layers of a network make of images, with the network as a constant function."""

import copy

import pytest
import torch
from torch import nn

from mmagic_mikd.backbones.backbone import Backbone
from mmagic_mikd.backbones.random_features import RandomFeatures
from mmagic_mikd.utils.errors import ConfigError


class Net(nn.Module):
    """Two stages with statistics and an activation that is used twice, in place."""

    def __init__(self, channels=3):
        super().__init__()
        self.first, self.norm = nn.Conv2d(channels, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.second, self.act = nn.Conv2d(4, 5, 3, padding=1, stride=2), nn.LeakyReLU(0.2, inplace=True)
        self.calls = 0

    def forward(self, x):
        x = self.act(self.norm(self.first(x)))
        x = self.act(self.second(x))
        self.calls += 1
        return x.mean((1, 2, 3))


@pytest.fixture
def network():
    torch.manual_seed(0)
    return Net()


def image(channels=3):
    return torch.randn(2, channels, 8, 8, generator=torch.Generator().manual_seed(0))


def test_every_activation_is_seen_in_the_order_of_the_network(network):
    seen = Backbone(network, None, 'backbone')(image())
    network.eval()
    first = network.act(network.norm(network.first(image())))
    expected = [first.clone(), network.act(network.second(first))]
    assert len(seen) == 2 and all(map(torch.equal, seen, expected))


def test_named_layers_are_seen_as_they_were_made_and_the_rest_is_not_computed(network):
    """What follows works in place, and must not change what was seen."""
    seen = Backbone(network, ['norm'], 'backbone')(image())
    network.eval()
    assert torch.equal(seen[0], network.norm(network.first(image()))) and network.calls == 0


def test_the_network_is_a_constant(network):
    """Not trained, its statistics not moved, its mode and its hooks as they were."""
    before = copy.deepcopy(network.state_dict())
    x = image().requires_grad_()
    sum(f.square().sum() for f in Backbone(network, None, 'backbone')(x)).backward()
    assert x.grad.abs().sum() > 0 and all(p.grad is None for p in network.parameters())
    assert all(p.requires_grad for p in network.parameters()) and network.training and network.norm.training
    assert all(map(torch.equal, before.values(), network.state_dict().values()))
    assert not any(module._forward_hooks for module in network.modules())


def test_a_conditional_network_sees_the_input_beside_the_image():
    network, x = Net(channels=5), image(2)
    seen = Backbone(network, ['first'], 'backbone')(image(), x)
    assert torch.equal(seen[0], network.first(torch.cat([x, image()], 1)))
    for condition in (None, image(1), image(2)[..., :4]):
        with pytest.raises(ConfigError, match='backbone: Net takes 5 channels, and the images have 3'):
            Backbone(network, None, 'backbone')(image(), condition)


def test_frames_of_clips_are_images(network):
    clips = torch.randn(2, 3, 3, 8, 8)
    seen = Backbone(network, ['first'], 'backbone')(clips)
    assert torch.equal(seen[0], network.first(clips.flatten(0, 1)))


def test_augmentation_of_a_discriminator_rests():
    """The toolbox's ADA discriminator would show student and teacher two different pictures."""

    class Augmenting(Net):
        with_ada = True

        def forward(self, x):
            assert not self.with_ada
            return super().forward(x)

    network = Augmenting()
    Backbone(network, None, 'backbone')(image())
    assert network.with_ada


def test_what_cannot_be_seen_is_refused(network):
    with pytest.raises(ConfigError, match=r"backbone.layers: Net has no layer 'third'.*'act'"):
        Backbone(network, ['third'], 'backbone')
    with pytest.raises(ConfigError, match='has no activation to look at'):
        Backbone(nn.Conv2d(3, 3, 1), None, 'backbone')
    with pytest.raises(ConfigError, match='backbone: RandomFeatures cannot take images of shape'):
        Backbone(RandomFeatures(), None, 'backbone')(image()[..., :1, :1])


def test_random_features_keep_the_variance():
    torch.manual_seed(0)
    seen = Backbone(RandomFeatures(), None, 'backbone')(torch.randn(4, 3, 64, 64))
    assert [tuple(f.shape[1:]) for f in seen] == [(32, 32, 32), (64, 16, 16), (128, 8, 8)]
    assert all(0.5 < f.square().mean() < 2 for f in seen)
