"""docs/objectives.md names every objective and its settings, and its commands name studies that can be run."""

import re

import yaml
from places import ROOT

from mmagic_mikd import objectives
from mmagic_mikd.backbones.build import NAMED
from mmagic_mikd.engine.settings import read
from mmagic_mikd.objectives.energy.estimators import ESTIMATORS
from mmagic_mikd.objectives.energy.negatives import NEGATIVES

PAGE = (ROOT / 'docs' / 'objectives.md').read_text()


def test_every_objective_has_a_row():
    rows = re.findall(r'^\| `(\w+Loss)`', PAGE, flags=re.MULTILINE)
    assert set(objectives.__all__) - set(rows) == set() and len(rows) == len(set(rows))


def test_every_name_of_a_setting_is_there():
    assert all(f"backbone='{name}'" in PAGE for name in NAMED)
    assert all(f"`'{name}'`" in PAGE for name in (*ESTIMATORS, *NEGATIVES, 'langevin'))


def test_its_config_is_one():
    (block,) = re.findall(r'```python\n(.*?)```', PAGE, flags=re.DOTALL)
    scope: dict = {}
    exec(block, scope)
    settings = read(scope['default_hooks']['distill'])
    assert set(settings.objectives) == {'pyramid', 'features'}


def test_its_command_names_objectives_of_the_study():
    (path, names) = re.search(r'study.py run (\S+) --only student=x16 objective=(\S+)', PAGE).groups()
    own = yaml.safe_load((ROOT / path).read_text())['objectives']
    assert set(names.split(',')) <= set(own) and len(names.split(',')) == 6
    types = {cfg['objectives']['own']['type'] for cfg in own.values()}
    assert types - {'L1Loss'} <= set(objectives.__all__)
