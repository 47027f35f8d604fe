"""Denoising with NAFNet on real photographs: image enhancement, pixel by pixel."""

import cv2
import numpy as np
import pytest
import torch
from families import (
    ROOT,
    data_folder,
    equal,
    evaluate,
    nafnet,
    reload_in_mmagic,
    scalars,
    train,
    without_distillation,
)
from mmengine.config import Config
from mmengine.runner import Runner

LABELS = {'RGB/PSNR', 'RGB/SSIM', 'Y/PSNR', 'Y/SSIM'}


@pytest.mark.parametrize('target', ['teacher', 'ground_truth'])
def test_the_student_learns_loads_in_mmagic_and_is_evaluated(tmp_path, target):
    cfg = nafnet(tmp_path)
    cfg.default_hooks.distill.objectives.mi.target = target
    plain, distilled = train(without_distillation(cfg)), train(cfg)
    log = scalars(distilled)
    assert log['loss_distill_mi'].size == 2 and abs(log['loss_distill_mi']).min() > 0
    assert not equal(distilled.model.state_dict(), plain.model.state_dict())
    checkpoint = tmp_path / 'iter_2.pth'
    reload_in_mmagic(cfg, checkpoint)
    metrics = evaluate(cfg, checkpoint)
    assert metrics.keys() == LABELS and metrics['RGB/PSNR'] != metrics['Y/PSNR']


def test_a_network_that_does_nothing_scores_as_the_noise_does(tmp_path):
    """About 20 log10(255 / 25) = 20.2 dB, and more where values end at 0 and 255: the noise is what it says."""
    cfg = nafnet(tmp_path)
    model = Runner.from_cfg(without_distillation(cfg)).model
    torch.nn.init.zeros_(model.generator.ending.weight)
    torch.nn.init.zeros_(model.generator.ending.bias)
    torch.save(model.state_dict(), tmp_path / 'identity.pth')
    rng, expected = np.random.default_rng(0), []
    for path in (data_folder('sr_set5') / 'GT').iterdir():
        picture = cv2.imread(str(path)).astype(float)
        noisy = (picture + rng.normal(0, 25, picture.shape)).clip(0, 255)
        expected.append(10 * np.log10(255**2 / ((noisy - picture) ** 2).mean()))
    assert 20.2 < np.mean(expected) < 21.5
    del cfg.test_dataloader.dataset['indices']
    metrics = evaluate(cfg, tmp_path / 'identity.pth')
    assert metrics['RGB/PSNR'] == pytest.approx(np.mean(expected), abs=0.05)


def test_the_shipped_config_is_the_real_setting():
    cfg = Config.fromfile(ROOT / 'configs' / 'mikd_nafnet.py')
    teacher = cfg.default_hooks.distill.teacher.model
    assert (teacher.generator.mid_channels, cfg.model.generator.mid_channels) == (64, 32)
    assert {**teacher, 'generator': 0} == {**cfg.model, 'generator': 0}
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loads = [step for step in loader.dataset.pipeline if step.type == 'LoadImageFromFile']
        assert len(loads) == 2 and all(step.channel_order == 'rgb' for step in loads)
    assert cfg.train_cfg.max_iters == 400_000 and cfg.train_dataloader.dataset.metainfo.dataset_type == 'sidd'
    assert cfg.default_hooks.checkpoint.save_best == 'RGB/PSNR'
