"""The Frechet metric in MMagic's evaluation loops: the right images, counted once, the same number."""

import cv2
import numpy as np
import pytest
import torch
from evaluation_runs import WEIGHTS, build, cyclegan, data_folder, dcgan, edsr, frechet, pix2pix
from mmengine.registry import METRICS

from mmagic_mikd.backbones.weights import load_backbone
from mmagic_mikd.evaluation import SeededEvaluation
from mmagic_mikd.evaluation.backbone import BackboneFeatures
from mmagic_mikd.evaluation.frechet import frechet_distance, gaussian_of
from mmagic_mikd.utils.errors import ConfigError

NAME = 'frechet_resnet56-cifar10'
PHOTO = dict(real_key='img_photo', fake_key='fake_photo')
WINTER = dict(real_key='img_winter', fake_key='fake_winter')


def features_of(images) -> np.ndarray:
    """Features of BGR images, one by one."""
    data_folder('weights_cifar_resnet')
    normalisation = dict(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
    network = BackboneFeatures(dict(type='CifarResNet', depth=56), 32, **normalisation)
    load_backbone(network.backbone, str(WEIGHTS), 'key')
    return np.concatenate([network(image[None]).numpy() for image in images])


def test_it_compares_the_generated_photos_with_the_real_ones(tmp_path):
    """Through the loop as by hand: photographs read from the files, images taken from the model."""
    runner, recorder = build(pix2pix(tmp_path, [frechet(**PHOTO)]))
    runner.test()
    reals = []
    for path in sorted((tmp_path / 'data/test').iterdir()):
        photo = cv2.imread(str(path))[:, :256]  # the left half; facades are photo|labels
        photo = cv2.resize(photo, (64, 64), interpolation=cv2.INTER_CUBIC)
        reals.append(torch.from_numpy(photo).permute(2, 0, 1).float())
    fakes = [output.fake_photo for output in recorder.outputs]
    assert len(fakes) == len(reals) == 10
    expected = frechet_distance(*gaussian_of(features_of(fakes)), *gaussian_of(features_of(reals)))
    assert expected > 1
    assert recorder.metrics == [{NAME: pytest.approx(expected, rel=1e-4)}]


def test_val_and_test_and_any_batch_size_give_the_same_number(tmp_path):
    numbers = []
    for batch_size in (4, 3):
        cfg = cyclegan(tmp_path / str(batch_size), [frechet(**WINTER)], batch_size)
        runner, recorder = build(cfg)
        runner.val()
        runner.test()
        numbers += [metrics[NAME] for metrics in recorder.metrics]
    assert numbers[0] == numbers[1] and numbers[2] == numbers[3]
    assert numbers[2] == pytest.approx(numbers[0], rel=1e-4)


def test_it_sees_which_pictures_are_alike():
    """Two halves of the facades are closer than facades and landscapes, by far."""
    facades = sorted((data_folder('facades') / 'test').iterdir())[:60]
    winter = sorted((data_folder('summer2winter') / 'testB').iterdir())[:30]
    photos = [torch.from_numpy(cv2.imread(str(p))[:, :256]).permute(2, 0, 1) for p in facades]
    others = [torch.from_numpy(cv2.imread(str(p))).permute(2, 0, 1) for p in winter]
    half1, half2, other = (gaussian_of(features_of(images)) for images in (photos[::2], photos[1::2], others))
    assert 3 * frechet_distance(*half1, *half2) < frechet_distance(*half1, *other)


def test_a_limited_number_of_images_is_the_first_of_the_dataset(tmp_path):
    metrics = [frechet(**PHOTO, fake_nums=5, real_nums=7)]
    runner, recorder = build(pix2pix(tmp_path, metrics, batch_size=2))
    runner.test()
    fakes = features_of([output.fake_photo for output in recorder.outputs[:5]])
    metric = runner.test_loop.evaluators[0].metrics[0]
    assert (metric.fake_nums, metric.real_nums) == (5, 7)
    expected = frechet_distance(*gaussian_of(fakes), *metric._real_gaussian)
    assert recorder.metrics[0][NAME] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize('sample_model', ['orig', 'ema'])
def test_images_from_noise(tmp_path, sample_model):
    metrics = [frechet(from_noise=True, sample_model=sample_model, fake_nums=6)]
    runner, recorder = build(dcgan(tmp_path, metrics), SeededEvaluation())
    with torch.no_grad():  # averaged weights that make other images
        for parameter in runner.model.generator_ema.parameters():
            parameter *= 0.5
    runner.test()
    fakes = [output.fake_img for output in recorder.outputs][:6]
    metric = runner.test_loop.evaluators[0].metrics[0]
    expected = frechet_distance(*gaussian_of(features_of(fakes)), *metric._real_gaussian)
    assert recorder.outputs[0].sample_model == sample_model
    assert recorder.metrics == [{NAME: pytest.approx(expected, rel=1e-4)}]


def test_super_resolution_of_images_that_differ_in_size(tmp_path):
    runner, recorder = build(edsr(tmp_path, [frechet(fake_key='pred_img')]))
    runner.test()
    fakes = [output.output.pred_img for output in recorder.outputs]
    assert len({image.shape for image in fakes}) > 1
    reals = [cv2.imread(str(path)) for path in sorted((data_folder('sr_set5') / 'GT').iterdir())]
    reals = [torch.from_numpy(image).permute(2, 0, 1) for image in reals]
    expected = frechet_distance(*gaussian_of(features_of(fakes)), *gaussian_of(features_of(reals)))
    assert recorder.metrics == [{NAME: pytest.approx(expected, rel=1e-4)}]


def test_the_report_says_what_it_is(tmp_path):
    cfg = pix2pix(tmp_path, [frechet(**PHOTO, prefix='facades')])
    cfg.log_level = 'INFO'
    runner, recorder = build(cfg)
    runner.test()
    (log,) = tmp_path.glob('*/*.log')
    (report,) = [line for line in log.read_text().splitlines() if 'Frechet distance' in line]
    assert '64-dimensional features of CifarResNet (10 real, 10 generated images)' in report
    assert 'it is not FID' in report
    assert list(recorder.metrics[0]) == [f'facades/{NAME}']


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(checkpoint='nowhere.pth'), r'BackboneFrechetDistance\.checkpoint=nowhere\.pth does not'),
        (dict(checkpoint=None), r'BackboneFrechetDistance\.checkpoint is missing'),
        (dict(name='FID'), 'would be mistaken for FID'),
        (dict(from_noise=True), r'BackboneFrechetDistance\.fake_nums must be given'),
    ],
)
def test_wrong_options_are_refused_when_the_evaluator_is_built(options, message):
    with pytest.raises(ConfigError, match=message):
        METRICS.build(frechet(**options))


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(real_key='img_foto', fake_key='fake_photo'), "real_key='img_foto'.*img_photo"),
        (dict(real_key='img_photo', fake_key='fake_foto'), "fake_key='fake_foto'.*fake_photo"),
        (dict(**PHOTO, fake_nums=11), 'fake_nums=11, the dataset has 10 images'),
        (dict(**PHOTO, real_nums=1), 'real_nums is 1, and a covariance needs at least two images'),
    ],
)
def test_absent_images_are_named(tmp_path, options, message):
    runner, _ = build(pix2pix(tmp_path, [frechet(**options)]))
    with pytest.raises(ConfigError, match=message):
        runner.test()


def test_a_diverged_model_is_named_as_such(tmp_path):
    runner, _ = build(pix2pix(tmp_path, [frechet(**PHOTO)]))
    for parameter in runner.model.generators.parameters():
        parameter.data.fill_(torch.nan)
    with pytest.raises(FloatingPointError, match='10 of 10 generated images are not finite'):
        runner.test()


def test_one_pass_over_the_dataset_serves_all_our_metrics(tmp_path):
    """MMagic makes one pass for each group of metrics with the same sampler."""
    metrics = [frechet(**PHOTO), dict(type='PairedImageQuality', **PHOTO)]
    runner, _ = build(pix2pix(tmp_path, metrics))
    evaluator, loader = runner.test_loop.evaluators[0], runner.test_loop.dataloaders[0]
    evaluator.prepare_metrics(runner.model, loader)
    assert len(evaluator.prepare_samplers(runner.model, loader)) == 1


def test_preparing_leaves_the_random_stream_alone(tmp_path):
    runner, _ = build(pix2pix(tmp_path, [frechet(**PHOTO)]))
    loader = runner.test_loop.dataloaders[0]
    before = torch.get_rng_state()
    runner.test_loop.evaluators[0].prepare_metrics(runner.model, loader)
    assert torch.equal(torch.get_rng_state(), before)
