"""Real-ESRGAN from photographs alone: the teacher's image is the only target, and nothing else is looked at."""

import copy

import numpy as np
import pytest
import torch
from families import ROOT, data_folder, equal, evaluate, load, save_teacher, scalars, small, train
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from mmagic_mikd.apps.builder.start_student import write_start
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


@pytest.mark.parametrize(('size', 'times'), [('x4', 4.0), ('x16', 16.7), ('x64', 65.9), ('compact40', 72.1)])
def test_the_students_cost_what_their_names_say(size, times):

    cfg, x = Config.fromfile(CONFIG), torch.rand(1, 3, 8, 8)
    cfg.merge_from_dict(dict(model=dict(generator=cfg.students[size])))
    with DefaultScope.overwrite_default_scope('mmagic'):
        student = MODELS.build(cfg.model.generator)
    assert complexity(rrdb_net(), x).macs / complexity(student, x).macs == pytest.approx(times, abs=0.1)


@pytest.mark.parametrize('start', ['sliced', 'refitted'])
def test_the_average_begins_with_what_the_student_starts_as(config, start):
    """By the toolbox's hook, which moves it hardly at all here."""
    config.default_hooks.distill.start = start
    config.model.is_use_ema = True
    ema = dict(type='ExponentialMovingAverageHook', module_keys=('generator_ema',), interval=1)
    config.custom_hooks = [dict(ema, interp_cfg=dict(momentum=1e-9))]
    for wrapper in config.optim_wrapper.values():
        if isinstance(wrapper, dict):
            wrapper.optimizer.lr = 0.0
    model = train(config).model
    average = model.generator_ema.state_dict()
    for name, weight in model.generator.state_dict().items():
        torch.testing.assert_close(average[name], weight, rtol=1e-5, atol=1e-7)


def test_a_start_is_written_with_its_average(config, tmp_path):
    config.model.is_use_ema = True
    write_start(config, tmp_path / 'start.pth')
    state = load(tmp_path / 'start.pth')['state_dict']
    for name, weight in state.items():
        if name.startswith('generator.'):
            assert torch.equal(weight, state[f'generator_ema.{name.removeprefix("generator.")}'])
