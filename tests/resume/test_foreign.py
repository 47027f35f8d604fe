"""Weights to start from under the toolbox's own Runner, which looks for its own names alone."""

import pytest
import torch
from families import super_resolution
from mmengine.runner import Runner

from mmagic_mikd.utils.errors import ConfigError


@pytest.fixture
def cfg(tmp_path):
    cfg = super_resolution('edsr', tmp_path / 'run')
    cfg.load_from = str(tmp_path / 'start.pth')
    return cfg


def other_weights(runner):
    return {name: value + 0.5 for name, value in runner.model.generator.state_dict().items()}


@pytest.mark.parametrize(
    'layout',
    [
        lambda weights: weights,
        lambda weights: dict(params_ema=weights),
        lambda weights: dict(state_dict={f'generator.{name}': value for name, value in weights.items()}),
    ],
    ids=['bare', 'params_ema', 'of the toolbox'],
)
def test_a_distilled_run_starts_from_them(cfg, layout):
    runner = Runner.from_cfg(cfg)
    expected = other_weights(runner)
    torch.save(layout(expected), cfg.load_from)
    runner.load_or_resume()
    loaded = runner.model.generator.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in expected.items())


def test_those_of_another_model_are_refused(cfg):
    torch.save(dict(params=dict(weight=torch.ones(3))), cfg.load_from)
    with pytest.raises(
        ConfigError, match=r'start.pth does not fit the `model` of the config: .* are missing'
    ):
        Runner.from_cfg(cfg).load_or_resume()
