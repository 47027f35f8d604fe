"""Configs of this package by its name, wherever the config that inherits them lies."""

import pytest
from mmengine.config import Config
from places import ROOT

from mmagic_mikd.apps.launch.launch import read_config
from mmagic_mikd.compat import own_configs
from mmagic_mikd.utils.errors import ConfigError

LEAF = """
_base_ = ['mmagic::pix2pix/pix2pix_vanilla-unet-bn_1xb1-80kiters_facades.py', 'mmagic_mikd::_base_/mikd.py']
default_hooks = dict(distill=dict(**_base_.distill, teacher=dict(model=_base_.model)))
"""


def test_a_config_anywhere_inherits_the_base_by_its_name(tmp_path):
    (tmp_path / 'leaf.py').write_text(LEAF)
    distill = Config.fromfile(tmp_path / 'leaf.py').default_hooks.distill
    assert (distill.type, distill.recipe) == ('DistillRunner', 'pyramid')
    assert '_scope_' not in distill  # of a registry that there is not
    assert distill.teacher.model.type == 'Pix2Pix'


def test_a_tool_takes_the_name_of_a_config():
    own = Config.fromfile(ROOT / 'configs' / 'mikd_edsr.py')
    assert read_config('mmagic_mikd::mikd_edsr.py').to_dict() == own.to_dict()


def test_a_misspelt_name_is_one_sentence():
    with pytest.raises(
        ConfigError, match=r"there is no config mmagic_mikd::mikd_edrs.py: did you mean 'mikd_"
    ):
        read_config('mmagic_mikd::mikd_edrs.py')


def test_names_of_other_packages_are_left_to_the_toolbox():
    with pytest.raises(AssertionError, match='does not support to load json config'):
        Config._get_cfg_path('json::a/b.py', '')


def test_every_config_is_where_mim_and_the_wheel_have_it():
    found = {path.relative_to(own_configs.FOLDER) for path in own_configs.FOLDER.rglob('*.py')}
    assert (
        found == {path.relative_to(ROOT / 'configs') for path in (ROOT / 'configs').rglob('*.py')} and found
    )
