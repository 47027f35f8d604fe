"""An epoch's last batch may be too small for what compares samples: it goes without, which is said once."""

import logging

import families
import pytest
import torch
from families import hook_of
from mmengine.runner import Runner
from objective_rows import objective

from mmagic_mikd.objectives.energy import objective as energy
from mmagic_mikd.objectives.objective import Objective, Place


@pytest.mark.parametrize('start', ['shuffled', 'student'])
def test_a_batch_of_one_at_the_end_of_an_epoch(tmp_path, monkeypatch, caplog, start):
    """Three samples in batches of two; a chain that starts at the student needs no other sample."""
    source = families.data_folder('facades') / 'train'
    (tmp_path / 'data/train').mkdir(parents=True)
    for path in sorted(source.iterdir())[:3]:
        (tmp_path / 'data/train' / path.name).symlink_to(path)
    cfg = families.pix2pix(tmp_path / 'work', 2)
    mi = dict(objective('mi', 'pix2pix'), chain=dict(steps=2, start=start))
    cfg.default_hooks.distill.objectives = dict(mi=mi)
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=2)
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=2, by_epoch=True)
    cfg.param_scheduler = None
    cfg.train_dataloader.dataset.data_root = str(tmp_path / 'data')
    cfg.train_dataloader.sampler = dict(type='DefaultSampler', shuffle=True)
    starts, critic_loss = [], energy.EnergyObjective._critic_loss

    def watched(self, view):
        loss = critic_loss(self, view)
        starts.append((len(view.s), torch.equal(self.chains[view.name].start, view.at(self.place)[1])))
        return loss

    monkeypatch.setattr(energy.EnergyObjective, '_critic_loss', watched)
    runner = Runner.from_cfg(cfg)
    runner.logger.addHandler(caplog.handler)
    with caplog.at_level(logging.WARNING):
        runner.train()
    assert not any(at_its_positive for _, at_its_positive in starts)
    said = caplog.text.count('A batch of 1 is too small for default_hooks.distill.objectives.mi')
    if start == 'student':
        assert [size for size, _ in starts] == [2, 1, 2, 1] and said == 0
    else:
        assert [size for size, _ in starts] == [2, 2] and said == 1
    assert hook_of(runner).guard.trips == 0


def test_what_a_module_compares_is_its_objectives_rule():
    loss = torch.nn.L1Loss()
    assert Objective('x', dict(a=loss), Place()).least_batch == 1
    loss.least_batch = 4
    assert Objective('x', dict(a=loss), Place()).least_batch == 4
