"""`enable_amp` reaches every optimiser of a config, also where the wrapper's type is implied."""

import pytest
from mmengine.config import ConfigDict
from mmengine.hub import get_config
from mmengine.optim import OptimWrapper

from mmagic_mikd.apps.launch.amp import enable_amp
from mmagic_mikd.utils.errors import ConfigError

CONFIGS = {
    'pix2pix': ('pix2pix/pix2pix_vanilla-unet-bn_1xb1-80kiters_facades.py', {'generators', 'discriminators'}),
    'cyclegan': (
        'cyclegan/cyclegan_lsgan-id0-resnet-in_1xb1-250kiters_summer2winter.py',
        {'generators', 'discriminators'},
    ),
    'stylegan2': (
        'styleganv2/stylegan2_c2_8xb4-800kiters_lsun-church-256x256.py',
        {'generator', 'discriminator'},
    ),
}


@pytest.mark.parametrize('family', CONFIGS)
def test_every_network_of_a_family_trains_in_mixed_precision(family):
    name, networks = CONFIGS[family]
    cfg = get_config(f'mmagic::{name}')
    constructor = cfg.optim_wrapper.constructor
    assert set(enable_amp(cfg)) == {f'optim_wrapper.{network}' for network in networks}
    for network in networks:
        assert cfg.optim_wrapper[network].type == 'AmpOptimWrapper'
        assert cfg.optim_wrapper[network].loss_scale == 'dynamic'
    assert cfg.optim_wrapper.constructor == constructor


def test_the_stock_script_forgets_wrappers_without_a_type():
    """The rule of MMagic's tools/train.py, on the same config."""
    cfg = get_config(f'mmagic::{CONFIGS["cyclegan"][0]}')
    rewritten = [
        key for key, value in cfg.optim_wrapper.items() if isinstance(value, dict) and 'type' in value
    ]
    assert rewritten == []


@pytest.mark.parametrize('typed', [{}, {'type': 'OptimWrapper'}, {'type': OptimWrapper}])
def test_a_single_optimiser(typed):
    cfg = ConfigDict(optim_wrapper=dict(optimizer=dict(type='Adam'), **typed))
    assert enable_amp(cfg) == ['optim_wrapper']
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper'


def test_a_loss_scale_of_the_config_stays():
    cfg = ConfigDict(
        optim_wrapper=dict(type='AmpOptimWrapper', loss_scale=512.0, optimizer=dict(type='Adam'))
    )
    enable_amp(cfg)
    assert cfg.optim_wrapper.loss_scale == 512.0


def test_a_wrapper_of_another_kind_is_refused_and_nothing_changed():
    cfg = ConfigDict(
        optim_wrapper=dict(
            generator=dict(optimizer=dict(type='Adam')),
            discriminator=dict(type='ApexOptimWrapper', optimizer=dict(type='Adam')),
        )
    )
    with pytest.raises(ConfigError, match=r"optim_wrapper\.discriminator\.type='ApexOptimWrapper'"):
        enable_amp(cfg)
    assert 'type' not in cfg.optim_wrapper.generator


@pytest.mark.parametrize(('asked', 'expected'), [(None, 'bfloat16'), ('float16', 'float16')])
def test_the_precision_is_the_command_lines_or_else_the_configs(asked, expected):
    cfg = ConfigDict(optim_wrapper=dict(dtype='bfloat16', optimizer=dict(type='Adam')))
    enable_amp(cfg, asked)
    assert cfg.optim_wrapper.dtype == expected


def test_without_a_word_about_it_the_precision_is_left_to_the_toolbox():
    cfg = ConfigDict(optim_wrapper=dict(optimizer=dict(type='Adam')))
    enable_amp(cfg)
    assert 'dtype' not in cfg.optim_wrapper
