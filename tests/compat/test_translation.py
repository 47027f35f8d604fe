"""Pix2Pix and CycleGAN: initialisation, pixel loss, test step, and which mode they evaluate in."""

import copy
import warnings

import compat_runs
import pytest
import torch
from mmagic.registry import MODELS
from mmagic.utils import register_all_modules
from torch import nn

from mmagic_mikd.host.train_mode import evaluates_in_train_mode


@pytest.fixture(params=['pix2pix', 'cyclegan'])
def family(request, tmp_path):
    register_all_modules()
    cfg = compat_runs.config(request.param, tmp_path, iters=1)
    return cfg, MODELS.build(cfg.model)


@pytest.fixture
def pix2pix(tmp_path):
    register_all_modules()
    cfg = compat_runs.config('pix2pix', tmp_path, iters=1)
    return cfg, MODELS.build(cfg.model)


def test_stock_translation_models_cannot_be_initialised(stock):
    assert stock['translation_init'].startswith('UnboundLocalError')
    assert 'init_info' in stock['translation_init']


def test_initialised_weights_have_the_configured_spread(family):
    _, model = family
    torch.manual_seed(0)
    model.init_weights()
    weights = [m.weight.flatten() for m in model.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    spread = torch.cat(weights)
    assert spread.std().item() == pytest.approx(0.02, rel=0.05)
    assert spread.mean().item() == pytest.approx(0, abs=0.001)


def test_no_record_book_is_left_behind(family):
    _, model = family
    model.init_weights()
    assert not [m for m in model.modules() if hasattr(m, '_params_init_info')]


def test_initialisation_is_that_of_the_stock_function(pix2pix):
    """A network outside a translation model, whose initialisation always worked, shows the stock values."""
    from mmagic.models.utils import generation_init_weights

    _, model = pix2pix
    generator = model.generators['photo']
    states = []
    for initialise in (generation_init_weights, generation_init_weights.__wrapped__):
        torch.manual_seed(1)
        initialise(generator, 'normal', 0.02)
        states.append({name: tensor.clone() for name, tensor in generator.state_dict().items()})
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_stock_pixel_loss_warns(stock):
    assert 'reduce args will be deprecated' in stock['l1_reduce']


def test_pixel_loss_is_silent_and_the_same(pix2pix):
    _, model = pix2pix
    real, fake = torch.rand(2, 1, 3, compat_runs.SIZE, compat_runs.SIZE, generator=torch.manual_seed(0))
    outputs = {'real_mask': real, 'fake_photo': fake, 'real_photo': real}
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        _, log_vars = model._get_gen_loss(outputs)
    assert log_vars['loss_pixel'] == 100.0 * nn.functional.l1_loss(real, fake)


def test_stock_test_step_dies(stock):
    assert stock['pix2pix_test_step'].startswith("TypeError: 'DataSample' object is not subscriptable")


def test_test_step_translates_every_image_as_validation_does(pix2pix):
    cfg, model = pix2pix
    images = []
    batch = compat_runs.batch(cfg, count=2)
    for step in (model.test_step, model.val_step):
        torch.manual_seed(0)  # dropout is active in evaluation
        images.append([sample.fake_photo for sample in step(copy.deepcopy(batch))])
    assert len(images[0]) == 2
    assert images[0][0].shape == (3, compat_runs.SIZE, compat_runs.SIZE)
    assert all(torch.equal(*pair) for pair in zip(*images, strict=True))


@pytest.mark.parametrize(('name', 'expected'), [('Pix2Pix', True), ('CycleGAN', True), ('EDSRNet', False)])
def test_who_evaluates_in_training_mode(name, expected):
    register_all_modules()
    assert evaluates_in_train_mode(dict(type=name)) is expected
    assert evaluates_in_train_mode(MODELS.get(name)) is expected


def test_a_model_and_its_subclass_are_recognised(family):
    _, model = family
    assert evaluates_in_train_mode(model)
    assert evaluates_in_train_mode(type('Mine', (type(model),), {}))
    assert not evaluates_in_train_mode(nn.Linear(1, 1))


def test_an_unknown_type_is_an_error():
    with pytest.raises(KeyError, match='NoSuchModel'):
        evaluates_in_train_mode(dict(type='NoSuchModel'))
    with pytest.raises(TypeError, match='NoneType'):
        evaluates_in_train_mode(None)
