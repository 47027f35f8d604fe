"""Super-resolution on real photographs: with and without a discriminator, evaluated as papers report it."""

import copy
import itertools
import json
import sys

import cv2
import numpy as np
import pytest
import torch.nn.functional as F
from families import (
    ROOT,
    data_folder,
    equal,
    evaluate,
    hook_of,
    reload_in_mmagic,
    scalars,
    super_resolution,
    train,
    without_distillation,
)
from mmengine.config import Config
from mmengine.registry import TRANSFORMS, DefaultScope
from mmengine.runner import Runner
from processes import run

from mmagic_mikd import MIDistillLoss

ALL = ('edsr', 'srresnet', 'rdn', 'srgan', 'esrgan')
NAMES = itertools.product(('Set5', 'Set14'), ('Y', 'RGB'), ('PSNR', 'SSIM'))
LABELS = {'/'.join(name) for name in NAMES}


@pytest.mark.parametrize('name', ALL)
def test_the_student_learns_loads_in_mmagic_and_is_evaluated(tmp_path, name):
    cfg = super_resolution(name, tmp_path)
    plain, distilled = train(without_distillation(cfg)), train(cfg)
    log = scalars(distilled)
    assert log['loss_distill_mi'].size == 2 and abs(log['loss_distill_mi']).min() > 0
    assert not equal(distilled.model.generator.state_dict(), plain.model.generator.state_dict())
    checkpoint = tmp_path / 'iter_2.pth'
    reload_in_mmagic(cfg, checkpoint)
    if name in ('edsr', 'srgan'):
        metrics = evaluate(cfg, checkpoint)
        assert metrics.keys() == LABELS
        assert all(np.isfinite(value) for value in metrics.values())
        assert metrics['Set5/Y/PSNR'] != metrics['Set5/RGB/PSNR']


@pytest.mark.parametrize('name', ['edsr', 'srgan'])
@pytest.mark.parametrize('target', ['teacher', 'ground_truth'])
def test_the_target_is_the_teacher_or_the_photograph(tmp_path, monkeypatch, name, target):
    cfg = super_resolution(name, tmp_path, iters=1)
    cfg.default_hooks.distill.objectives.mi.target = target
    runner, images, seen = Runner.from_cfg(cfg), {}, []
    preprocess, critic_loss = runner.model.data_preprocessor.forward, MIDistillLoss.critic_loss

    def forward(*args, **kwargs):
        data = preprocess(*args, **kwargs)
        images.update(small=data['inputs'], photograph=data['data_samples'].gt_img)
        return data

    def watched(self, critic, t, s, t_neg):
        (pair,) = hook_of(runner).pairs
        if target == 'ground_truth':
            assert pair.teacher is None  # nothing would look at its images
            expected = images['photograph']
            assert 0 <= expected.min() < expected.max() <= 1 and expected.std() > 0.05
        else:
            expected = pair.teacher(images['small'])
        seen.append((t - (2 * expected - 1)).abs().max().item())  # the critic sees [-1, 1]
        return critic_loss(self, critic, t, s, t_neg)

    runner.model.data_preprocessor.forward = forward
    monkeypatch.setattr(MIDistillLoss, 'critic_loss', watched)
    runner.train()
    assert len(seen) == 1 and seen[0] < 1e-5


def test_the_residual_is_what_the_network_adds_to_its_input(tmp_path, monkeypatch):
    cfg = super_resolution('edsr', tmp_path, iters=1)
    cfg.default_hooks.distill.pairs = [dict(student='generator', residual=True)]
    runner, seen, critic_loss = Runner.from_cfg(cfg), [], MIDistillLoss.critic_loss

    def watched(self, critic, t, s, t_neg):
        (pair,) = hook_of(runner).pairs
        enlarged = F.interpolate(pair._x, scale_factor=4, mode='bicubic')
        for mine, image in ((t, pair.t), (s, pair.s)):
            seen.append((mine - 2 * (image - enlarged)).abs().max().item())
        return critic_loss(self, critic, t, s, t_neg)

    monkeypatch.setattr(MIDistillLoss, 'critic_loss', watched)
    runner.train()
    assert len(seen) == 2 and max(seen) < 1e-5 and abs(scalars(runner)['loss_distill_mi']) > 0


def test_the_best_checkpoint_is_the_one_with_the_best_psnr_on_y(tmp_path):
    shipped = Config.fromfile(ROOT / 'configs' / 'mikd_edsr.py')
    cfg = super_resolution('edsr', tmp_path, iters=1)
    cfg.train_cfg.val_interval = 1
    cfg.default_hooks.checkpoint.update(save_best=shipped.default_hooks.checkpoint.save_best, rule='greater')
    cfg.val_cfg, cfg.val_evaluator = shipped.val_cfg, shipped.val_evaluator
    cfg.val_dataloader = copy.deepcopy(cfg.test_dataloader[0])
    train(cfg)
    assert (tmp_path / 'best_Y_PSNR_iter_1.pth').is_file()


def test_small_images_are_made_as_matlab_makes_them(tmp_path):
    """The training pipeline's reduction of Set5 is the one that comes with Set5, up to rounding and borders."""
    steps = Config.fromfile(ROOT / 'configs' / '_base_' / 'sr_x4.py').sr_x4.train_pipeline[:7]
    folder = data_folder('sr_set5')
    with DefaultScope.overwrite_default_scope('mmagic'):
        import mmagic.datasets.transforms  # noqa: F401

        transforms = [TRANSFORMS.build(step) for step in steps]
    for path in sorted((folder / 'GT').iterdir()):
        results = dict(gt_path=str(path))
        for transform in transforms:
            results = transform(results)
        given = cv2.imread(str(folder / 'LR_x4' / path.name))[..., ::-1].astype(float)
        difference = np.abs(results['img'] - given)[3:-3, 3:-3]
        assert results['img'].dtype == np.float32 and results['img'].shape == given.shape
        assert difference.max() < 2 and difference.mean() < 0.3, path.name  # files are rounded, twice


@pytest.mark.slow
def test_tools_test_prints_what_papers_report(tmp_path):
    cfg = super_resolution('edsr', tmp_path, iters=1)
    train(cfg)
    cfg.dump(tmp_path / 'student.py')
    command = [sys.executable, ROOT / 'tools' / 'test.py', tmp_path / 'student.py', tmp_path / 'iter_1.pth']
    out = tmp_path / 'metrics.json'
    run([*command, '--out', out], cwd=tmp_path)
    assert json.loads(out.read_text()).keys() == LABELS


@pytest.mark.parametrize('name', ALL)
def test_the_shipped_configs_are_the_real_settings(name):
    cfg = Config.fromfile(ROOT / 'configs' / f'mikd_{name}.py')
    teacher = cfg.default_hooks.distill.teacher.model
    changed = {k for k, v in teacher.generator.items() if cfg.model.generator[k] != v}
    assert changed <= {'mid_channels', 'num_blocks', 'growth_channels', 'init_cfg'}
    assert {**cfg.model, 'generator': 0} == {**teacher, 'generator': 0}
    assert cfg.work_dir == f'work_dirs/mikd_{name}' and cfg.train_dataloader.dataset.data_root == 'data/DIV2K'
    weight = 0.01 * cfg.model.pixel_loss.loss_weight
    pyramid = cfg.default_hooks.distill.objectives.pyramid
    assert pyramid == dict(loss_weight=pytest.approx(weight), initial_scale=0.02)
    assert cfg.default_hooks.checkpoint.save_best == 'Y/PSNR' and len(cfg.test_evaluator) == 3
