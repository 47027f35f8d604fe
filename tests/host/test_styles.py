"""The styles of a StyleGAN2 generator: seen in a call, put into another, and the ways that matter."""

import numpy as np
import pytest
import torch
from torch import nn

from mmagic_mikd.host.styles import StyleTap, directions, resolution_of
from mmagic_mikd.students.narrow_stylegan2 import NarrowStyleGAN2Generator
from mmagic_mikd.utils.errors import ConfigError
from mmagic_mikd.utils.rng import seeded


@pytest.fixture
def generator():
    with seeded(0):
        return NarrowStyleGAN2Generator(out_size=32, style_channels=12, num_mlps=2, width=8, mix_prob=1.0)


def test_the_styles_of_a_call_make_its_image_again(generator):
    """Style mixing included; what is drawn in the network is its noise, which has weight 0 at first."""
    counting = [True]
    tap = StyleTap(generator, lambda: counting[0], 'it')
    with seeded(1):
        made = generator(None, num_batches=3, return_latents=True)
    assert torch.equal(tap.w, made['latent']) and tap.w.requires_grad
    assert not torch.equal(tap.w[:, 0], tap.w[:, -1])  # mixed
    w, counting[0] = tap.w, False
    torch.testing.assert_close(tap.call(w), made['fake_img'])
    assert tap.call(2 * w).shape == made['fake_img'].shape and tap.w is w
    tap.remove()
    counting[0] = True
    generator(None, num_batches=1)
    assert tap.w is None


def test_directions_are_those_of_each_resolution(generator):
    """By a singular value decomposition of what numpy normalises, up to their signs."""
    found = directions(generator, 2)
    assert found.shape == (10, 12) and len(directions(generator, 3)) == 15
    for block in range(2):
        layers = [generator.convs[2 * block + i].conv.style_modulation.linear.weight_orig for i in (0, 1)]
        rows = np.concatenate([layer.detach().numpy() for layer in layers]).astype(float)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        strongest = np.linalg.svd(rows)[2][:5][::-1]
        cosines = (found[5 * block : 5 * block + 5].numpy() * strongest).sum(1)
        np.testing.assert_allclose(np.abs(cosines), 1, atol=1e-5)


def test_layers_belong_to_resolutions_from_8_px_on():
    paths = ['conv1', 'convs.0', 'convs.1.activate', 'convs.3', 'convs.9']
    assert [resolution_of(path) for path in paths] == [1, 1, 1, 2, 5]


def test_another_network_has_no_styles():
    with pytest.raises(
        ConfigError, match='the student is a Linear, and only a StyleGAN2Generator has styles'
    ):
        StyleTap(nn.Linear(2, 2), lambda: True, 'the student')
