"""Recipes: the published method by one word, what the config sets on top of it, and nothing changed by it."""

from functools import partial

import pytest
import torch
import yaml
from families import ROOT, cyclegan, hook_of, pix2pix, scalars, super_resolution
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmagic_mikd import DistillRunner, EnergyCritic
from mmagic_mikd.engine.recipes import RECIPES, with_recipe
from mmagic_mikd.utils.errors import ConfigError


class Start(Hook):
    """Notes of each pair whether its first layer starts as the teacher's first channels."""

    def __init__(self, starts):
        self.starts = starts

    def before_train(self, runner):
        for pair in hook_of(runner).pairs:
            mine, whole = (next(network.parameters()) for network in (pair.student, pair.teacher))
            self.starts.append(torch.equal(mine, whole[tuple(map(slice, mine.shape))]))


KEPT = ('_loss_cfg', '_critic_cfg', '_optim_cfg', '_sampler', '_terms_cfg', '_layers')


def test_the_reference_is_what_was_published():
    """Kang et al. 2022: K = 10, sigma = 0.005, c = 0.05, lambda = 0.1, Adam 1e-4; 1,708,609 weights."""
    reference = with_recipe('recipe', 'reference', {})
    critic = dict(reference['critic'])
    assert critic.pop('type') == 'EnergyCritic'
    assert sum(p.numel() for p in EnergyCritic(**critic, image_size=256).parameters()) == 1_708_609
    assert reference['sampler'] == dict(steps=10, step_size=100.0, noise_std=0.005)
    assert (reference['loss']['loss_weight'], reference['loss']['energy_l2']) == (0.1, 0.05)
    assert reference['optim_wrapper']['optimizer'] == dict(type='Adam', lr=1e-4, betas=(0.0, 0.999))


def test_the_base_config_is_the_reference_with_a_smaller_critic():
    base = Config.fromfile('configs/_base_/mikd.py').distill.to_dict()
    changes = dict(critic=dict(base_channels=8, image_size=256))
    wanted = with_recipe('recipe', 'reference', changes)
    assert base == dict(type='DistillRunner', **wanted)


def test_settings_are_merged_over_the_recipe_and_leave_it_as_it_is():
    before = repr(RECIPES)
    made = with_recipe('recipe', 'reference', dict(loss=dict(loss_weight=1.0), sampler=None))
    assert made['loss'] == dict(type='MIDistillLoss', loss_weight=1.0, energy_l2=0.05, target='teacher')
    assert made['sampler']['steps'] == 10
    made['critic']['base_channels'] = 1
    assert repr(RECIPES) == before


def test_another_type_brings_settings_of_its_own():
    changes = dict(terms=dict(pyramid=dict(type='L1Loss')))
    assert with_recipe('recipe', 'pyramid', changes)['terms']['pyramid'] == dict(type='L1Loss')


def test_the_studies_ran_with_the_settings_of_the_recipes():
    for study, objective, recipe in (
        ('pix2pix_facades', 'pyramid', 'pyramid'),
        ('pix2pix_facades', 'mi_shuffled', 'shuffled'),
        ('stylegan2_emoji', 'sliced_pyramid_early', 'sliced_pyramid_early'),
    ):
        text = (ROOT / 'benchmarks' / 'studies' / f'{study}.yaml').read_text()
        settings = yaml.safe_load(text)['objectives'][objective]
        made = {kept: DistillRunner({}, **settings).__dict__[kept] for kept in KEPT}
        for term in made['_terms_cfg'].values():  # a study names the optimiser of all that learns once
            term.setdefault('optim_wrapper', made['_optim_cfg'])
        wanted = DistillRunner({}, recipe=recipe)
        assert made['_terms_cfg'] == wanted._terms_cfg and made['_layers'] == wanted._layers
        assert made['_sampler'] == wanted._sampler and made['_loss_cfg'] == wanted._loss_cfg


@pytest.mark.parametrize('name', RECIPES)
def test_the_hook_is_that_of_the_settings_spelled_out(name):
    teacher = dict(type='Identity')
    short = DistillRunner(teacher, recipe=name, terms=dict(l1=dict(type='L1Loss')))
    settings = {k: dict(v) for k, v in RECIPES[name].items()}
    settings['terms'] = {**settings.get('terms', {}), 'l1': dict(type='L1Loss')}
    full = DistillRunner(teacher, **settings)
    for kept in KEPT:
        assert getattr(short, kept) == getattr(full, kept)


def test_an_unknown_recipe_is_named():
    with pytest.raises(ConfigError, match=r"recipe='referenze' is not known: did you mean 'reference'\?"):
        DistillRunner(recipe='referenze')


@pytest.mark.parametrize('name', ['pix2pix', 'cyclegan', 'edsr', 'srresnet'])
def test_what_the_shipped_configs_add_to_the_bound(tmp_path, name):
    """Pyramid and sliced start, which the other tests of these configs leave out."""
    families = dict(pix2pix=pix2pix, cyclegan=cyclegan)
    family = families.get(name) or partial(super_resolution, name)
    cfg = family(tmp_path, iters=2)
    shipped = Config.fromfile(ROOT / 'configs' / f'mikd_{name}.py').default_hooks.distill
    cfg.default_hooks.distill.update({key: shipped.get(key) for key in ('loss', 'recipe', 'terms', 'layers')})
    starts = []
    runner = Runner.from_cfg(cfg)
    runner.register_hook(Start(starts), priority='LOWEST')
    runner.train()
    assert starts and all(starts)
    log = scalars(runner)
    assert log['loss_mi'].size == log['loss_distill_pyramid'].size == 2
