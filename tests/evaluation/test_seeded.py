"""Evaluations that repeat and leave no trace in the training run's random stream."""

import pytest
import torch
from evaluation_runs import build, dcgan, frechet, pix2pix
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn

from mmagic_mikd.evaluation import SeededEvaluation

PHOTO = dict(type='PairedImageQuality', real_key='img_photo', fake_key='fake_photo')


def test_two_evaluations_of_pix2pix_are_equal(tmp_path):
    """Its dropout is active while it is evaluated."""
    runner, recorder = build(pix2pix(tmp_path, [PHOTO]), SeededEvaluation())
    runner.val()
    torch.rand(5)  # training in between
    runner.test()
    assert recorder.metrics[0] == recorder.metrics[1]


def test_without_it_the_scores_wobble(tmp_path):
    """Guards the test above: dropout really is drawn anew."""
    runner, recorder = build(pix2pix(tmp_path, [PHOTO]))
    runner.val()
    runner.test()
    assert recorder.metrics[0] != recorder.metrics[1]


@pytest.mark.parametrize('seed', [1, 2])
def test_every_batch_and_every_seed_draws_its_own_noise(tmp_path, seed):
    metric = frechet(from_noise=True, fake_nums=8)
    runner, recorder = build(dcgan(tmp_path, [metric]), SeededEvaluation(seed))
    runner.test()
    noise = torch.stack([output.noise.flatten() for output in recorder.outputs])
    assert noise.unique(dim=0).shape[0] == len(noise) >= 8
    for batch, seen in enumerate(noise[:8].split(4)):
        generator = torch.Generator().manual_seed(seed + batch)
        assert torch.equal(seen, torch.randn(4, 100, generator=generator))


class Model(BaseModel):
    """Draws dropout in training and, as Pix2Pix does, also in evaluation."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.5), nn.Linear(8, 1))

    def forward(self, inputs, data_samples=None, mode='tensor'):
        self.train()
        output = self.layers(torch.stack(inputs))
        return dict(loss=output.square().mean()) if mode == 'loss' else [output]


def trained_weights(work_dir, evaluate, hooks=()):
    dataset = [dict(inputs=torch.tensor([float(i), 1.0])) for i in range(4)]
    loader = dict(dataset=dataset, batch_size=2, sampler=dict(type='DefaultSampler', shuffle=False))
    val = dict(val_dataloader=loader, val_cfg={}, val_evaluator=[]) if evaluate else {}
    torch.manual_seed(0)
    runner = Runner(
        Model(),
        work_dir=str(work_dir),
        train_dataloader=loader,
        train_cfg=dict(by_epoch=False, max_iters=4, val_interval=1),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        custom_hooks=list(hooks),
        randomness=dict(seed=0),
        log_level='ERROR',
        **val,
    )
    runner.train()
    return torch.cat([p.detach().flatten() for p in runner.model.parameters()])


def test_training_goes_on_as_if_it_had_not_been_evaluated(tmp_path):
    alone = trained_weights(tmp_path / 'alone', evaluate=False)
    plain = trained_weights(tmp_path / 'plain', evaluate=True)
    hooks = [dict(type='SeededEvaluation')]
    seeded = trained_weights(tmp_path / 'seeded', evaluate=True, hooks=hooks)
    assert not torch.equal(alone, plain)
    assert torch.equal(alone, seeded)
