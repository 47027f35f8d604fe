"""Weights to start from under the toolbox's own Runner, which looks for its own names alone."""

from types import SimpleNamespace

import pytest
import torch
from families import pix2pix, super_resolution
from mmengine.logging import MMLogger
from mmengine.registry import MODELS
from mmengine.runner import Runner
from torch import nn

from mmagic_mikd.resume.foreign import rearrange, require_weights
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


@pytest.fixture(params=[False, True], ids=['plain', 'wrapped'])
def built(request, tmp_path):
    """As far as the checks look at one; the toolbox wraps what a model holds, each for itself."""
    model = MODELS.build(pix2pix(tmp_path).model)
    if request.param:
        model.generators = nn.DataParallel(model.generators)
        model.discriminators = nn.DataParallel(model.discriminators)
    return SimpleNamespace(model=model, _load_from='file.pth', logger=MMLogger.get_instance('foreign'))


@pytest.fixture
def saved(tmp_path):
    """A checkpoint of the toolbox."""
    return MODELS.build(pix2pix(tmp_path / 'saved').model).state_dict()


def test_a_checkpoint_of_the_model_is_whole(built, saved):
    require_weights(built, dict(state_dict=saved), whole=True)


def test_bare_weights_go_to_the_generator(built, saved):
    head = next(key for key in saved if key.startswith('generators.')).split('.')[1]
    prefix = f'generators.{head}.'
    bare = {key.removeprefix(prefix): value for key, value in saved.items() if key.startswith(prefix)}
    checkpoint = dict(bare)
    rearrange(built, checkpoint)
    require_weights(built, checkpoint, whole=True)
    assert all(torch.equal(checkpoint['state_dict'][prefix + key], value) for key, value in bare.items())


@pytest.mark.parametrize('whole', [True, False])
def test_another_models_are_refused_however_it_is_wrapped(built, whole):
    with pytest.raises(ConfigError, match=r'file\.pth does not fit the `model` of the config'):
        require_weights(built, dict(state_dict=dict(other=torch.ones(1))), whole=whole)
