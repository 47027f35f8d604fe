"""Optimisers of the StyleGAN configs, whose first beta is the integer 0."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.optim.optimizer.default_constructor import DefaultOptimWrapperConstructor

CONFIG = ConfigDict(type='OptimWrapper', optimizer=dict(type='Adam', lr=0.1, betas=(0, 0.99)))


def test_upstream_still_fails():
    """When this no longer raises, the repair can go."""
    with pytest.raises(ValueError, match='both floats'):
        torch.optim.Adam(torch.nn.Linear(1, 1).parameters(), betas=(0, 0.99))


def test_the_optimiser_is_built_and_the_config_stays():
    wrapper = DefaultOptimWrapperConstructor(CONFIG)(torch.nn.Linear(1, 1))
    assert wrapper.param_groups[0]['betas'] == (0.0, 0.99) and wrapper.param_groups[0]['lr'] == 0.1
    assert CONFIG.optimizer.betas == (0, 0.99)
    weight = wrapper.param_groups[0]['params'][0]
    before = weight.detach().clone()
    wrapper.update_params(weight.sum())
    torch.testing.assert_close(weight.detach(), before - 0.1)


def test_optimisers_without_betas_are_left_alone():
    cfg = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1))
    assert DefaultOptimWrapperConstructor(cfg).optimizer_cfg is cfg['optimizer']
