"""A student that was trained as the network that ships: its image does not depend on its batch."""

import copy

import families
import pytest
import torch
from families import equal, train
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from mmagic_mikd.deploy.form import Deployed
from mmagic_mikd.students.frozen_statistics import HOOK, FrozenStatistics, freeze
from mmagic_mikd.utils.errors import ConfigError

SETTING = 'default_hooks.distill.frozen_statistics'


def as_a_hook(cfg, begin):
    cfg.custom_hooks = [*cfg.get('custom_hooks', []), dict(type='FrozenStatistics', begin=begin)]


def as_a_setting(cfg, begin):
    cfg.default_hooks.distill.frozen_statistics = begin


spelt = pytest.mark.parametrize('spell', [as_a_hook, as_a_setting])


def trained(folder, begin, iters=4, spell=as_a_setting):
    cfg = families.pix2pix(folder, iters)
    spell(cfg, begin)
    return train(cfg).model


def norms(model):
    return [m for m in model.generators.modules() if isinstance(m, _BatchNorm)]


@spelt
def test_from_the_share_on_an_image_is_the_same_in_every_batch(tmp_path, spell):
    model = trained(tmp_path, 0.5, spell=spell)
    assert {norm.num_batches_tracked.item() for norm in norms(model)} == {2}  # of four iterations
    model.train()  # as the toolbox evaluates
    (generator,) = model.generators.values()
    for module in generator.modules():
        if isinstance(module, _DropoutNd):
            module.eval()
    x = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        together, alone = generator(x), torch.cat([generator(image) for image in x.split(1)])
        torch.testing.assert_close(together, alone)
        torch.testing.assert_close(Deployed(generator, 'frozen')(x), together)


def test_before_the_share_nothing_is_changed(tmp_path):
    plain = train(families.pix2pix(tmp_path / 'plain', 2)).model.state_dict()
    assert equal(trained(tmp_path / 'never', 1, 2).state_dict(), plain)
    always = trained(tmp_path / 'always', 0, 2).state_dict()
    assert not equal(always, plain)
    assert equal(always, trained(tmp_path / 'hook', 0, 2, as_a_hook).state_dict())


class Modes(Hook):
    """Whether evaluations are of frozen statistics, by the iterations before them."""

    def __init__(self):
        self.frozen = {}

    def before_val_iter(self, runner, batch_idx, data_batch=None):
        self.frozen[runner.iter] = not any(norm.train().training for norm in norms(runner.model))


def evaluations(cfg, **changes):
    cfg = copy.deepcopy(cfg)
    cfg.update(changes)
    hook, runner = Modes(), Runner.from_cfg(cfg)
    runner.register_hook(hook)
    runner.train()
    return hook.frozen


@spelt
@pytest.mark.parametrize('last', [2, 3, 4])
def test_an_evaluation_that_a_resumed_run_repeats_is_of_the_same_network(tmp_path, last, spell):
    """It comes before the first iteration of the resumed run."""
    cfg = families.pix2pix(tmp_path, 4)
    spell(cfg, 0.5)
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=1, by_epoch=False)
    cfg.val_cfg, cfg.train_cfg.val_interval = dict(type='MultiValLoop'), 1
    cfg.val_dataloader = copy.deepcopy(cfg.train_dataloader)
    cfg.val_dataloader.sampler = dict(type='DefaultSampler', shuffle=False)
    cfg.val_dataloader.num_batch_per_epoch = 1
    metric = dict(type='PairedImageQuality', fake_key='fake_photo', real_key='img_photo')
    cfg.val_evaluator = dict(type='Evaluator', metrics=[metric])
    whole = evaluations(cfg)
    assert whole == {1: False, 2: False, 3: True, 4: True}
    again = evaluations(
        cfg, resume=True, load_from=str(tmp_path / f'iter_{last}.pth'), experiment_name='again'
    )
    assert again == {at: frozen for at, frozen in whole.items() if at >= last}


def test_a_frozen_norm_stays_frozen_and_so_do_its_copies():
    norm = nn.BatchNorm2d(2)
    names = list(norm.state_dict())
    freeze(norm), freeze(norm)
    for each in (norm, copy.deepcopy(norm)):
        assert not each.train().training and isinstance(each, nn.BatchNorm2d)
        assert list(each.state_dict()) == names


@pytest.mark.parametrize('key', [HOOK, SETTING])
def test_what_has_no_statistics_is_refused(tmp_path, key):
    cfg = families.cyclegan(tmp_path, 1)
    (as_a_hook if key == HOOK else as_a_setting)(cfg, 0.5)
    with pytest.raises(ConfigError, match=f'^{key} is for generators with batch normalisation'):
        train(cfg)


def test_a_share_that_is_none_is_refused():
    with pytest.raises(ConfigError, match=r'begin=1.5 must be a number of at least 0 and at most 1'):
        FrozenStatistics(1.5)


def test_both_places_at_once_are_one_sentence(tmp_path):
    cfg = families.pix2pix(tmp_path, 1)
    as_a_hook(cfg, 0.5), as_a_setting(cfg, 0.5)
    with pytest.raises(ConfigError, match=f'^{SETTING} and {HOOK} say the same: leave one out$'):
        train(cfg)
