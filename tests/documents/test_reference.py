"""The reference has everything of this package that a config may name."""

import importlib
import re
import sys

import mmengine.registry as registries
from places import ROOT

DATA = [f'mmagic_mikd.datasets.{path.stem}' for path in (ROOT / 'mmagic_mikd' / 'datasets').glob('[a-z]*.py')]
LATE = ['mmagic.models.editors.pix2pix', 'mmagic.models.editors.stylegan2.stylegan2_generator']


def shown() -> set[type]:
    """Classes that the page asks Sphinx for."""
    text = (ROOT / 'docs' / 'reference.md').read_text()
    found = set()
    for kind, name in re.findall(r'^\.\. auto(class|module):: (\S+)$', text, re.M):
        module, _, last = name.rpartition('.')
        if kind == 'class':
            found.add(getattr(importlib.import_module(module), last))
        else:
            whole = importlib.import_module(name)
            found |= {getattr(whole, each) for each in whole.__all__}
    return found


def registered() -> set[type]:
    found = set()
    for name in ('DATASETS', 'HOOKS', 'METRICS', 'MODELS', 'TRANSFORMS'):
        found |= set(getattr(registries, name).module_dict.values())
    repairs = 'mmagic_mikd.compat.'  # which stand in for others of the same names
    ours = {each for each in found if each.__module__.startswith('mmagic_mikd.')}
    return {each for each in ours if not each.__module__.startswith(repairs)}


def test_whatever_a_config_may_name_is_there():
    for name in [*DATA, *LATE]:
        importlib.import_module(name)
    assert 'mmagic_mikd.online.joint_pix2pix' in sys.modules
    found = registered()
    assert len(found) > 30
    assert {each.__qualname__ for each in found - shown()} == set()
