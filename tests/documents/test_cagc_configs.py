"""The configs of Content-Aware GAN Compression: start, losses and lengths as published, and the size."""

import inspect

import pytest
import torch
from families import ROOT
from mmagic.models.editors.stylegan2.stylegan2_generator import StyleGAN2Generator
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from mmagic_mikd.engine.settings import read

(PATH,) = ROOT.glob('configs/*/cagc-*.py')


@pytest.fixture(scope='module')
def cfg():
    return Config.fromfile(PATH)


def settings(cfg):
    return read({k: v for k, v in cfg.default_hooks.to_dict()['distill'].items() if k != 'type'})


def test_the_student_has_the_published_size(cfg):
    from mmagic.utils import register_all_modules

    register_all_modules()
    with DefaultScope.overwrite_default_scope('mmagic'), torch.device('meta'):
        sizes = [
            sum(p.numel() for p in MODELS.build(model.generator).parameters())
            for model in (cfg.default_hooks.distill.teacher.model, cfg.model)
        ]
    assert sizes == [30_034_338, 5_573_364]


def test_the_start_and_both_losses_look_at_one_content(cfg):
    """L1 and perceptual loss of weight 3; 400 images; the discriminator is the teacher's."""
    found = settings(cfg)
    start, losses = found.start[''], found.objectives
    assert {start['mask'], *(cfg['mask'] for cfg in losses.values())} == {cfg.content}
    assert {name: (loss['type'], loss['loss_weight']) for name, loss in losses.items()} == dict.fromkeys(
        ('l1', 'perceptual'), ('L1Loss', 3.0)
    )
    assert (start['criterion'], start['discriminator']) == ('content', True)
    assert start['batches'] * cfg.train_dataloader.batch_size == 400


def test_what_the_toolbox_sets_is_what_is_published(cfg):
    """Lazy regularisation every 16 and 4 iterations scales rates and weights."""
    loss, adam = cfg.model.loss_config, cfg.optim_wrapper
    assert loss.r1_loss_weight == 10 / 2 * loss.r1_interval
    assert loss.g_reg_weight == 2 * loss.g_reg_interval
    assert adam.generator.optimizer.lr == pytest.approx(0.002 * 4 / 5)
    assert adam.discriminator.optimizer.lr == pytest.approx(0.002 * 16 / 17)
    assert inspect.signature(StyleGAN2Generator).parameters['mix_prob'].default == 0.9
    assert cfg.train_cfg.max_iters == 450_000 and cfg.train_dataloader.batch_size * 8 == 16


def test_the_published_bound_adds_on_top(cfg):
    more = settings(Config.fromfile(PATH.with_name(f'mikd-{PATH.name}')))
    bound = more.objectives.pop('mi')
    assert more.objectives == settings(cfg).objectives and more.start == settings(cfg).start
    assert (bound['loss_weight'], bound['target'], bound['chain']['step_size']) == (0.05, 'teacher', 50.0)
