"""The discriminator of DCGAN, LSGAN and GGAN can be initialised, as upstream means it."""

import pytest
import torch
from mmengine.model import BaseModule
from mmengine.registry import MODELS, DefaultScope


@pytest.fixture
def discriminator():
    with DefaultScope.overwrite_default_scope('mmagic'):
        return MODELS.build(
            dict(type='DCGANDiscriminator', input_scale=32, output_scale=4, out_channels=1, base_channels=64)
        )


def test_upstream_still_fails(discriminator):
    """When this no longer raises, the repair can go."""
    discriminator._params_init_info = {}
    with pytest.raises(UnboundLocalError, match='init_info'):
        type(discriminator).init_weights.__wrapped__(discriminator)


def test_weights_follow_the_paper(discriminator):
    torch.manual_seed(0)
    model = BaseModule()
    model.discriminator = discriminator
    model.init_weights()
    assert 'modules' not in vars(discriminator)
    weights = {name: p for name, p in discriminator.named_parameters() if p.numel() > 1000}
    for weight in weights.values():
        assert weight.mean().abs() < 1e-3 and abs(weight.std() - 0.02) < 1e-3
    assert weights
