"""Real-ESRGAN from photographs alone: the teacher's image is the only target, and nothing else is looked at."""

import copy

import numpy as np
import pytest
import torch
from families import ROOT, data_folder, equal, evaluate, save_teacher, scalars, small, train
from mmengine.config import Config
from mmengine.registry import MODELS

from mmagic_mikd.apps.showcase.weights import rrdb_net
from mmagic_mikd.cost.complexity import complexity

CONFIG = ROOT / 'configs' / 'mikd_real_esrgan.py'


@pytest.fixture
def config(tmp_path):
    cfg = small(Config.fromfile(CONFIG), tmp_path / 'run', 2, 2)
    cfg.model.generator.update(mid_channels=4, growth_channels=2, num_blocks=1)
    teacher = cfg.default_hooks.distill.teacher
    teacher.model.generator.update(mid_channels=8, growth_channels=4, num_blocks=2)
    teacher.model.update(discriminator=None, perceptual_loss=None)  # its VGG-19 would be a download
    teacher.checkpoint = save_teacher(teacher.model, tmp_path)
    cfg.train_dataloader.dataset.pipeline[1].crop_size = (12, 12)
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset.update(data_root=str(data_folder('sr_set5') / 'LR_x4'), indices=3)
    cfg.test_evaluator.metrics[0].teacher = copy.deepcopy(teacher)
    return cfg


def test_it_learns_from_small_photographs_and_is_scored_against_its_teacher(config, tmp_path):
    runner = train(config)
    log = scalars(runner)
    assert abs(log['loss_distill_pyramid']).min() > 0 and abs(log['loss_pix']).max() == 0
    metrics = evaluate(config, tmp_path / 'run' / 'iter_2.pth')
    assert (
        metrics.keys() == {'teacher/psnr', 'teacher/ssim', 'teacher/l1'}
        and np.isfinite([*metrics.values()]).all()
    )
    # what stands in for a ground truth changes nothing
    other = copy.deepcopy(config)
    resize = next(step for step in other.train_dataloader.dataset.pipeline if step.type == 'Resize')
    resize.interpolation = 'nearest'
    assert equal(train(other).model.state_dict(), runner.model.state_dict())


@pytest.mark.parametrize(('size', 'times'), [('x4', 4.0), ('x16', 16.7), ('x64', 65.9)])
def test_the_students_cost_what_their_names_say(size, times):

    cfg, x = Config.fromfile(CONFIG), torch.rand(1, 3, 8, 8)
    student = MODELS.build(dict(cfg.model.generator, **cfg.students[size]))
    assert complexity(rrdb_net(), x).macs / complexity(student, x).macs == pytest.approx(times, abs=0.1)
