"""docs/objectives.md names every objective and its settings, and its commands name studies that can be run."""

import re

import torch
import yaml
from mmagic.registry import MODELS
from mmengine.config import Config
from places import ROOT

from mmagic_mikd import objectives
from mmagic_mikd.backbones.backbone import Backbone
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


def test_its_configs_are_some():
    found = []
    for block in re.findall(r'```python\n(.*?)```', PAGE, flags=re.DOTALL):
        scope: dict = {}
        exec(block, scope)
        found.append(read(scope['default_hooks']['distill']).objectives)
    first, pairs, dcd, relations = found
    assert pairs['pairs']['sees'] == ['input', 'student']
    assert set(first) == {'pyramid', 'features'} and set(dcd) == {f'dcd{i}' for i in range(1, 5)}
    assert set(relations) == {*(f'relation{size}' for size in (16, 32, 64, 128)), 'l1'}


def test_dcd_looks_at_the_layers_of_the_networks_that_it_names():
    """The connectors of OMGD's four layers, and the last feature map of the toolbox's PatchGAN."""
    cfg = Config.fromfile(
        ROOT / 'configs/cyclegan/mikd-cyclegan_lsgan-mobile-resnet-in-c16_1xb1-270kiters_horse2zebra.py'
    )
    scope: dict = {}
    exec(re.findall(r'```python\n(.*?)```', PAGE, flags=re.DOTALL)[2], scope)
    generator, patches = (MODELS.build(cfg.model[name]) for name in ('generator', 'discriminator'))
    for objective in scope['default_hooks']['distill']['objectives'].values():
        assert objective['layer'] in dict(generator.named_modules())
        (last,) = objective['backbone']['layers']
        maps = Backbone(patches, [last], 'backbone')(torch.zeros(1, 3, 32, 32))
        assert [m.shape[1] for m in maps] == [list(patches.model)[-1].in_channels]


def test_the_relations_are_of_the_resolutions_that_they_are_named_after():
    generator, scope = (
        MODELS.build(dict(type='NarrowStyleGAN2Generator', out_size=256, style_channels=8, width=8)),
        {},
    )
    exec(re.findall(r'```python\n(.*?)```', PAGE, flags=re.DOTALL)[3], scope)
    sizes: dict[str, int] = {}
    for name, layer in generator.named_modules():
        layer.register_forward_hook(lambda m, args, out, name=name: sizes.update({name: out.shape[-1]}))
    generator(None, num_batches=1)
    own = scope['default_hooks']['distill']['objectives']
    assert all(name == f'relation{sizes[cfg["layer"]]}' for name, cfg in own.items() if name != 'l1')


def test_its_command_names_objectives_of_the_study():
    (path, names) = re.search(r'study.py run (\S+) --only student=x16 objective=(\S+)', PAGE).groups()
    own = yaml.safe_load((ROOT / path).read_text())['objectives']
    assert set(names.split(',')) <= set(own) and len(names.split(',')) == 6
    types = {entry['type'] for cfg in own.values() for entry in cfg['objectives'].values()}
    assert types - {'L1Loss'} <= set(objectives.__all__)
