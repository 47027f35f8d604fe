"""Recipes: the published method by one word, what the config sets on top of it, and nothing changed by it."""

from functools import partial

import pytest
import torch
import yaml
from families import (
    ROOT,
    Observer,
    cyclegan,
    hook_of,
    nafnet,
    pix2pix,
    stylegan2,
    super_resolution,
)
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmagic_mikd import DistillRunner, EnergyCritic, objectives
from mmagic_mikd.engine.recipes import RECIPES, with_recipe
from mmagic_mikd.engine.settings import read
from mmagic_mikd.utils.errors import ConfigError


class Start(Hook):
    """Notes of each pair whether its first layer starts as the teacher's first channels."""

    def __init__(self, starts):
        self.starts = starts

    def before_train(self, runner):
        for pair in hook_of(runner).pairs:
            mine, whole = (next(network.parameters()) for network in (pair.student, pair.teacher))
            self.starts.append(torch.equal(mine, whole[tuple(map(slice, mine.shape))]))


def wide_stylegan2(work_dir, iters):
    return stylegan2(work_dir, iters, widths=(16, 8))


def test_the_reference_is_what_was_published():
    """Kang et al. 2022: K = 10, sigma = 0.005, c = 0.05, lambda = 0.1, Adam 1e-4; 1,708,609 weights."""
    (mi,) = with_recipe('recipe', 'reference', {})['objectives'].values()
    critic = dict(mi['critic'])
    assert critic.pop('type') == 'EnergyCritic'
    assert sum(p.numel() for p in EnergyCritic(**critic, image_size=256).parameters()) == 1_708_609
    assert mi['chain'] == dict(steps=10, step_size=100.0, noise_std=0.005)
    assert (mi['loss_weight'], mi['energy_l2'], mi['target']) == (0.1, 0.05, 'teacher')
    assert mi['learner']['optimizer'] == dict(type='Adam', lr=1e-4, betas=(0.0, 0.999))


def test_settings_are_merged_over_the_recipe_and_leave_it_as_it_is():
    before = repr(RECIPES)
    changes = dict(objectives=dict(mi=dict(loss_weight=1.0, critic=dict(base_channels=8))), start=None)
    made = with_recipe('recipe', 'reference', changes)['objectives']['mi']
    assert (made['type'], made['loss_weight'], made['energy_l2']) == ('MIDistillLoss', 1.0, 0.05)
    assert made['critic'] == dict(type='EnergyCritic', base_channels=8) and made['chain']['steps'] == 10
    made['critic']['base_channels'] = 1
    assert repr(RECIPES) == before


def test_another_type_brings_settings_of_its_own():
    changes = dict(objectives=dict(pyramid=dict(type='L1Loss')))
    assert with_recipe('recipe', 'pyramid', changes)['objectives']['pyramid'] == dict(type='L1Loss')


def test_the_studies_ran_with_the_settings_of_the_recipes():
    """They are written in the old spelling, of which every committed row depends."""
    for study, objective, recipe in (
        ('pix2pix_facades', 'pyramid', 'pyramid'),
        ('pix2pix_facades', 'mi_shuffled', 'shuffled'),
        ('stylegan2_emoji', 'sliced_pyramid_early', 'sliced_pyramid_early'),
    ):
        text = (ROOT / 'benchmarks' / 'studies' / f'{study}.yaml').read_text()
        ran, wanted = read(yaml.safe_load(text)['objectives'][objective]), read(dict(recipe=recipe))
        for made in (*ran.objectives.values(), *wanted.objectives.values()):
            made.setdefault('learner', ran.learner)  # a study names the optimiser of all that learns once
            made['learner']['optimizer']['betas'] = tuple(made['learner']['optimizer'].get('betas', ()))
        assert ran.start == wanted.start and ran.objectives == wanted.objectives


@pytest.mark.parametrize(
    ('recipe', 'objective'),
    [('pyramid_adversarial', 'pyramid30_adversarial'), ('pyramid_features', 'pyramid30_features15')],
)
def test_the_rivals_ran_with_the_settings_of_the_recipes(recipe, objective):
    text = (ROOT / 'benchmarks' / 'studies' / 'pix2pix_facades_rivals.yaml').read_text()
    ran = yaml.safe_load(text)['objectives'][objective]['objectives']
    wanted = RECIPES[recipe]['objectives']
    assert ran.keys() == wanted.keys()
    for name, made in ran.items():
        learner = made.pop('learner', getattr(objectives, made['type']).learner)
        assert learner == wanted[name].get('learner', learner)
        assert made == {key: value for key, value in wanted[name].items() if key != 'learner'}


@pytest.mark.parametrize('name', RECIPES)
def test_the_hook_is_that_of_the_settings_spelled_out(name):
    teacher, l1 = dict(type='Identity'), dict(l1=dict(type='L1Loss'))
    short = DistillRunner(teacher, recipe=name, objectives=l1)
    full = DistillRunner(teacher, **RECIPES[name] | dict(objectives=RECIPES[name]['objectives'] | l1))
    assert short.settings == full.settings


def test_an_unknown_recipe_is_named():
    with pytest.raises(ConfigError, match=r"recipe='referenze' is not known: did you mean 'reference'\?"):
        DistillRunner(recipe='referenze')


FAMILIES = dict(pix2pix=pix2pix, cyclegan=cyclegan, nafnet=nafnet, stylegan2=wide_stylegan2)


# but for Real-ESRGAN, which has no such family: tests/apps/showcase trains it
@pytest.mark.parametrize(
    'path',
    sorted({*ROOT.glob('configs/mikd_*.py')} - {ROOT / 'configs' / 'mikd_real_esrgan.py'}),
    ids=lambda path: path.stem,
)
def test_the_shipped_configs_train_as_they_stand(tmp_path, path):
    """Pyramid and sliced start, which the other tests of these configs leave out."""
    name = path.stem.removeprefix('mikd_')
    cfg = FAMILIES.get(name, partial(super_resolution, name))(tmp_path, iters=2)
    shipped, tiny = Config.fromfile(path).default_hooks.distill, cfg.default_hooks.distill
    shipped.teacher = tiny.teacher
    cfg.default_hooks.distill = shipped
    starts, logs = [], []
    runner = Runner.from_cfg(cfg)
    runner.register_hook(Start(starts), priority='LOWEST')
    runner.register_hook(
        Observer(lambda hook: logs.append({k: float(v) for k, v in hook._log._values.items()}))
    )
    runner.train()
    assert starts and all(starts)
    shown = [log for log in logs if 'loss_distill_pyramid' in log]
    assert len(shown) == (1 if name == 'stylegan2' else 2)  # the latter ends at half
    assert not [key for log in logs for key in log if 'energy' in key or key == 'loss_critic']
    assert all(v > 0 for log in shown for key, v in log.items() if key.startswith('pyramid_grad_ratio'))
    assert all(any(key.startswith('pyramid_grad_ratio') for key in log) for log in shown)
