"""What the package shows of itself: short help, names for configs and programs, types."""

import pydoc

import pytest
from places import ROOT

import mmagic_mikd
from mmagic_mikd import objectives

NAMES = ['DistillRunner', 'DistillPictures', 'EnergyCritic', 'FeatureCritic', 'langevin', *objectives.__all__]


def test_help_is_a_map():
    text = pydoc.plain(pydoc.render_doc(mmagic_mikd))
    assert len(text.splitlines()) <= 100
    assert text.count('DistillRunner') <= 3 and 'apps ' in text


@pytest.mark.parametrize('name', NAMES)
def test_every_name_of_the_documentation_is_there_and_documented(name):
    assert getattr(mmagic_mikd, name).__doc__


def test_every_folder_is_on_the_map():
    folders = [path.parent.name for path in (ROOT / 'mmagic_mikd').glob('*/__init__.py')]
    assert [name for name in folders if name not in mmagic_mikd.__doc__ and name != 'utils'] == []


def test_types_ship():
    assert (ROOT / 'mmagic_mikd' / 'py.typed').is_file()
