"""The order of channels in which a training and its evaluation load pictures, by whatever launcher."""

import logging

import pytest
from families import nafnet
from mmengine.config import Config
from mmengine.runner import Runner

from mmagic_mikd.apps.launch.launch import read_config
from mmagic_mikd.host.loaded_orders import about_orders


@pytest.mark.parametrize(
    ('name', 'differ'),
    [
        ('mmagic::nafnet/nafnet_c64eb11128mb1db1111_8xb8-lr1e-3-400k_gopro.py', True),
        ('mmagic_mikd::mikd_nafnet.py', False),
        ('mmagic::edsr/edsr_x2c64b16_1xb16-300k_div2k.py', False),
        ('mmagic::pix2pix/pix2pix_vanilla-unet-bn_1xb1-80kiters_facades.py', False),
    ],
)
def test_training_and_evaluation_in_two_orders_are_named(name, differ):
    sentence = about_orders(read_config(name))
    assert (sentence is not None) == differ
    assert not differ or "loads 'img' as BGR, val_dataloader as RGB" in sentence


def test_a_runner_made_of_objects_has_no_config_to_look_at():
    assert about_orders(Config()) is None


@pytest.mark.parametrize('differ', [True, False])
def test_a_distillation_says_so_under_any_launcher(tmp_path, caplog, differ):
    cfg = nafnet(tmp_path)
    loaders = [step for step in cfg.train_dataloader.dataset.pipeline if step.type == 'LoadImageFromFile']
    for loader in loaders if differ else ():
        loader.channel_order = 'bgr'
    runner = Runner.from_cfg(cfg)
    runner.logger.addHandler(caplog.handler)
    with caplog.at_level(logging.WARNING):
        runner.train()
    assert ('red and blue are exchanged' in caplog.text) == differ
