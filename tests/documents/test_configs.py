"""All of configs/: what is recommended at the front door, what is published in the folders, a base for all."""

import os
import re
import subprocess
import sys

import pytest
from families import ROOT
from mmengine.config import Config
from places import TOOLS
from processes import run

from mmagic_mikd.engine.settings import read
from mmagic_mikd.objectives.energy import published

PATHS = sorted(path for path in ROOT.glob('configs/**/*.py') if '_base_' not in path.parts)
FRONT_DOOR = [path for path in PATHS if path.parent.name == 'configs']
OF_BASES = [path for path in PATHS if re.search('omgd|cagc', path.name)]
IN_FOLDERS = [path for path in PATHS if path.parent.name != 'configs' and path.name.startswith('mikd-')]
OF_PAPERS = [path for path in IN_FOLDERS if path not in OF_BASES]
BASE = ROOT / 'configs' / '_base_' / 'mikd.py'
FACADES = 'mmagic::pix2pix/pix2pix_vanilla-unet-bn_1xb1-80kiters_facades.py'
# What Kang et al. set apart for a family; the rest is in `published`.
SET_APART = dict(
    pix2pix=dict(target='ground_truth'),
    styleganv2=dict(loss_weight=0.05, step_size=50.0),
    cyclegan=dict(base_channels=8),
    edsr=dict(base_channels=8),  # nothing is published: as CycleGAN
    srgan_resnet=dict(base_channels=8),
)


def trained(path):
    """What the hook makes of a config, or None where nothing is distilled."""
    distill = Config.fromfile(path).default_hooks.to_dict().get('distill')
    return distill and read({key: value for key, value in distill.items() if key != 'type'})


def name(path):
    return path.relative_to(ROOT / 'configs').as_posix()


@pytest.mark.parametrize('path', PATHS, ids=name)
def test_every_config_can_be_read_and_names_the_package_for_who_has_it_alone(path):
    """The toolbox writes a config without its bases into the work_dir, where it has to work as well."""
    distils, cfg = trained(path), Config.fromfile(path)
    assert bool(distils) == path.name.startswith(('mikd', 'omgd', 'cagc'))
    if distils:
        assert cfg.custom_imports.imports[0] == 'mmagic_mikd'


@pytest.mark.parametrize('path', FRONT_DOOR, ids=name)
def test_the_front_door_trains_what_the_studies_recommend(path):
    settings = trained(path)
    assert [cfg['type'] for cfg in settings.objectives.values()] == ['PyramidLaplaceLoss']
    assert settings.start == {'': 'sliced'}


@pytest.mark.parametrize('path', OF_PAPERS, ids=name)
def test_the_folders_train_what_is_published(path):
    """The whole objective, number by number, and nothing beside it."""
    settings, own = trained(path), dict(SET_APART[path.parent.name])
    assert settings.objectives == dict(
        mi=dict(
            type='MIDistillLoss',
            target=own.pop('target', 'teacher'),
            loss_weight=own.pop('loss_weight', 0.1),
            energy_l2=0.05,
            critic=dict(type='EnergyCritic', base_channels=own.pop('base_channels', 32)),
            chain=dict(steps=10, step_size=own.pop('step_size', 100.0), noise_std=0.005),
            learner=dict(optimizer=dict(type='Adam', lr=1e-4, betas=(0.0, 0.999))),
        )
    )
    assert own == {}
    assert settings.start == (dict(style_mapping='inherited') if 'stylegan' in path.name else {})
    assert settings.objectives['mi']['learner'] == published.LEARNER


def test_every_config_is_in_the_table_of_its_folder():
    for path in (*FRONT_DOOR, *OF_PAPERS, *OF_BASES):
        assert f'(./{path.name})' in (path.parent / 'README.md').read_text()


# ---- a base for any config ----------------------------------------------------------------------


def test_the_base_defines_what_no_other_base_has():
    assert Config.fromfile(BASE).to_dict().keys() == {'distill'}


@pytest.mark.parametrize('imports', ['', "custom_imports = dict(imports=['json'])\n"])
def test_a_config_with_imports_of_its_own_can_have_it_as_a_second_base(tmp_path, imports):
    (tmp_path / 'own.py').write_text(f'_base_ = [{FACADES!r}]\n{imports}')
    (tmp_path / 'leaf.py').write_text(
        f"_base_ = ['own.py', {str(BASE)!r}]\n"
        'default_hooks = dict(distill=dict(**_base_.distill, teacher=dict(model=_base_.model)))\n'
    )
    cfg = Config.fromfile(tmp_path / 'leaf.py')
    assert (
        cfg.default_hooks.distill.recipe == 'pyramid' and cfg.default_hooks.distill.teacher.model == cfg.model
    )
    assert cfg.get('custom_imports') == (dict(imports=['json']) if imports else None)


READ = """
import sys
from mmengine.config import Config
from mmengine.registry import HOOKS
Config.fromfile(sys.argv[1])
print(HOOKS.get('DistillRunner'))
"""


@pytest.mark.parametrize('kind', ['leaf', 'written'])
def test_reading_it_is_enough_for_a_launcher_that_does_not_know_us(tmp_path, kind):
    """As the toolbox's own does it, whose script imports nothing of ours."""
    path = tmp_path / 'leaf.py'
    path.write_text(f'_base_ = [{FACADES!r}, {str(BASE)!r}]\ndefault_hooks = dict(distill=_base_.distill)\n')
    if kind == 'written':
        path = tmp_path / 'written.py'
        Config.fromfile(ROOT / 'configs' / 'mikd_pix2pix.py').dump(path)
        assert '_base_' not in path.read_text()
    env = {**os.environ, 'PYTHONPATH': str(ROOT)}
    done = subprocess.run([sys.executable, '-c', READ, path], capture_output=True, text=True, env=env)
    assert 'mmagic_mikd.engine.hook.DistillRunner' in done.stdout, done.stderr


def test_the_tools_read_it_with_imports_of_its_own(tmp_path):
    """Both in one command: a student of a config that has `custom_imports`."""
    (tmp_path / 'own.py').write_text(f"_base_ = [{FACADES!r}]\ncustom_imports = dict(imports=['json'])\n")
    command = [sys.executable, TOOLS / 'build_student.py', 'own.py', '--width', '0.25', '--out', 'student.py']
    run(command, cwd=tmp_path)
    assert Config.fromfile(tmp_path / 'student.py').custom_imports.imports == ['json', 'mmagic_mikd']
