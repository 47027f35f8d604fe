"""Pictures of 16 bits have the scores of the same pictures in 8, in every metric of the toolbox and ours."""

import pytest
import torch
from bad_input_world import World, model
from mmagic.models.data_preprocessors import DataPreprocessor
from mmagic.structures import DataSample
from mmengine.config import Config
from mmengine.runner import Runner

from mmagic_mikd.apps.study.cell import Scores
from mmagic_mikd.compat.deep_pictures import scale

WHITE = 65535


def preprocessor(white: float) -> DataPreprocessor:
    return DataPreprocessor(mean=[0.0] * 3, std=[white] * 3)


def batch(white: float) -> dict:
    images = torch.linspace(0, 1, 2 * 3 * 4 * 4).reshape(2, 3, 4, 4).mul(255).round() / 255 * white
    return dict(inputs=list(images), data_samples=[DataSample(gt_img=image.clone()) for image in images])


def test_the_targets_of_an_evaluation_are_of_8_bits_once():
    deep = batch(WHITE)
    expected = preprocessor(255)(batch(255))['data_samples'].gt_img
    for _ in range(2):  # as a metric does that asks a teacher
        seen = preprocessor(WHITE)(deep)['data_samples'].gt_img
        torch.testing.assert_close(seen, expected, rtol=0, atol=1e-4)


def test_what_is_made_is_brought_to_8_bits_and_clipped_there():
    network = torch.linspace(-0.5, 1.5, 48).reshape(1, 3, 4, 4)
    made = preprocessor(WHITE).destruct(network.clone(), None)
    torch.testing.assert_close(made, preprocessor(255).destruct(network.clone(), None), rtol=0, atol=1e-4)
    assert made.min() == 0 and made.max() == 255


def test_training_sees_what_it_saw():
    seen = preprocessor(WHITE)(batch(WHITE), training=True)['data_samples'].gt_img
    torch.testing.assert_close(seen, preprocessor(255)(batch(255), training=True)['data_samples'].gt_img)


def test_a_sample_without_a_target_is_left_alone():
    sample = DataSample(other=torch.ones(3))
    scale(sample, 'gt_img', 0.5)
    assert list(sample.keys()) == ['other'] and sample.other.tolist() == [1, 1, 1]


@pytest.fixture
def scores(tmp_path, monkeypatch):
    """Those of a student of random weights, on pictures of some depth: scores(white)."""
    monkeypatch.chdir(tmp_path)
    world = World(tmp_path)
    monkeypatch.setenv('LOCAL_RANK', '0')
    deepened = [(path, path.read_bytes()) for path in sorted((tmp_path / 'data').rglob('*.png'))]

    def scores(white: int) -> dict[str, float]:
        import cv2
        import numpy as np

        for path, content in deepened:
            picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
            cv2.imwrite(str(path), picture if white == 255 else picture.astype(np.uint16) * 257)
        metrics = [dict(type=name) for name in ('PSNR', 'SSIM', 'MAE', 'PairedImageQuality')]
        teacher = dict(model=model(8), checkpoint='teacher.pth')
        metrics.append(dict(type='PairedImageQuality', against='teacher', teacher=teacher))
        changes = {
            'test_evaluator.metrics': metrics,
            'work_dir': f'work_{white}',
            'test_cfg.type': 'MultiTestLoop',
        }
        for place in ('model', 'test_evaluator.metrics.4.teacher.model'):
            changes[f'{place}.data_preprocessor.std'] = [float(white)] * 3
        for number in range(2):
            changes[f'test_dataloader.dataset.pipeline.{number}.color_type'] = 'unchanged'
            changes[f'test_dataloader.dataset.pipeline.{number}.channel_order'] = 'bgr'
        cfg = Config.fromfile(world.config(changes))
        cfg.default_hooks.pop('distill')
        runner, found = Runner.from_cfg(cfg), Scores()
        runner.register_hook(found)
        runner.test()
        return {name: float(value) for name, value in found.values.items()}

    return scores


def test_every_score_is_that_of_8_bits(scores):
    shallow, deep = scores(255), scores(WHITE)
    assert len(deep) == 9 and deep == pytest.approx(shallow, rel=1e-4)
    assert deep['PSNR'] > 0 and deep['teacher/psnr'] < 100
