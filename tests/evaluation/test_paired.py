"""PSNR, SSIM and L1 against target and teacher, in MMagic's evaluation loops."""

import copy
import math

import numpy as np
import pytest
import torch
from evaluation_runs import build, cyclegan, edsr, pix2pix
from mmengine.registry import METRICS, MODELS
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import nn

from mmagic_mikd.evaluation import PairedImageQuality, SeededEvaluation
from mmagic_mikd.utils.errors import ConfigError

PHOTO = dict(type='PairedImageQuality', real_key='img_photo', fake_key='fake_photo')
TEACHER = dict(type='PairedImageQuality', against='teacher', fake_key='fake_photo')


def scores_of(pairs) -> dict:
    """Means by scikit-image's formulas, images (C, H, W) in [0, 255]."""
    pairs = [[np.moveaxis(i.cpu().numpy(), 0, 2) / 255.0 for i in pair] for pair in pairs]
    gaussian = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
    return dict(
        psnr=np.mean([peak_signal_noise_ratio(a, b, data_range=1) for a, b in pairs]),
        ssim=np.mean(
            [structural_similarity(a, b, data_range=1, channel_axis=2, **gaussian) for a, b in pairs]
        ),
        l1=np.mean([np.abs(a - b).mean() for a, b in pairs]),
    )


def assert_scores(metrics, against, pairs):
    expected = scores_of(pairs)
    for name in ('psnr', 'ssim', 'l1'):
        assert metrics[f'{against}/{name}'] == pytest.approx(expected[name], rel=1e-3), name


def test_known_answers():
    metric = PairedImageQuality()
    grey, lighter = torch.full((3, 16, 16), 100.0), torch.full((3, 16, 16), 125.5)
    sample = dict(gt_img=grey, output=dict(pred_img=lighter))
    metric.process({}, [sample])
    result = metric.compute_metrics(metric.results)
    assert result['target/l1'] == pytest.approx(0.1)  # a tenth of the range [0, 1]
    assert result['target/psnr'] == pytest.approx(20)  # -20 log10 of a tenth
    metric.results.clear()
    metric.process({}, [dict(gt_img=grey, output=dict(pred_img=grey))])
    result = metric.compute_metrics(metric.results)
    assert result == {'target/psnr': math.inf, 'target/ssim': 1.0, 'target/l1': 0.0}


def test_images_without_room_for_the_window_are_refused():
    """Their SSIM was NaN, which is never the best."""
    metric, image = PairedImageQuality(), torch.rand(3, 12, 11) * 255
    assert metric.process_image(image, image, None)['ssim'] == pytest.approx(1)
    with pytest.raises(ConfigError, match=r'images of 12x10 are smaller than the window of SSIM, 11 pixels'):
        metric.process_image(image[..., 1:], image[..., 1:], None)


@pytest.mark.parametrize(('against', 'remedy'), [('target', 'ModCrop'), ('teacher', r'teacher\.resize=True')])
def test_images_of_two_sizes_are_refused(against, remedy):
    """Such as a target whose sides are no multiples of the scale; else a bare AssertionError."""
    metric = PairedImageQuality(against, teacher=nn.Identity())
    sizes = rf'a generated image is \(3, 32, 32\) and that of the {against} \(3, 32, 34\): .*{remedy}'
    with pytest.raises(ConfigError, match=sizes):
        metric.process_image(torch.rand(3, 32, 34), torch.rand(3, 32, 32), None)


@pytest.mark.parametrize('mode', ['val', 'test'])
def test_against_the_target(tmp_path, mode):
    runner, recorder = build(pix2pix(tmp_path, [PHOTO], batch_size=3))
    getattr(runner, mode)()
    pairs = [(output.fake_photo, output.img_photo) for output in recorder.outputs]
    assert len(pairs) == 10
    assert_scores(recorder.metrics[0], 'target', pairs)


def test_super_resolution_scores_are_the_toolbox_s_own(tmp_path):
    metrics = [dict(type='PairedImageQuality')] + [dict(type=t) for t in ('PSNR', 'SSIM', 'MAE')]
    runner, recorder = build(edsr(tmp_path, metrics))
    runner.test()
    (scores,) = recorder.metrics
    for ours, theirs in (('psnr', 'PSNR'), ('ssim', 'SSIM'), ('l1', 'MAE')):
        assert scores[f'target/{ours}'] == pytest.approx(float(scores[theirs]), rel=1e-6)


class Darker(nn.Module):
    """A teacher that gives its normalised input back, darker by a tenth of the range."""

    def __init__(self):
        super().__init__()
        self.inputs = []

    def forward(self, x):
        self.inputs.append(x)
        return (x - 0.2).clamp(min=-1)


def test_against_the_teacher_on_the_student_s_own_input(tmp_path):
    metrics = [TEACHER | dict(teacher=Darker(), input_key='img_mask'), PHOTO]
    cfg = pix2pix(tmp_path, [PHOTO])
    runner, recorder = build(cfg)
    teacher = METRICS.build(metrics[0])
    runner.test_loop.evaluators[0].metrics.append(teacher)
    seen = []
    generator = runner.model.generators['photo']
    generator.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    runner.test()
    for student_input, teacher_input in zip(seen, teacher.teacher.inputs, strict=True):
        assert torch.equal(student_input, teacher_input)
    pairs = [(o.fake_photo, (o.img_mask - 25.5).clamp(min=0)) for o in recorder.outputs]
    assert_scores(recorder.metrics[0], 'teacher', pairs)


def test_a_student_equal_to_its_teacher_has_no_error(tmp_path):
    """The teacher of a checkpoint, by the toolbox's config, evaluated as the toolbox evaluates it."""
    runner, _ = build(cyclegan(tmp_path / 'teacher', []))
    checkpoint = str(tmp_path / 'teacher.pth')
    torch.save(dict(meta={}, state_dict=runner.model.state_dict()), checkpoint)
    teacher = dict(model=runner.cfg.model, checkpoint=checkpoint)
    metric = dict(
        type='PairedImageQuality',
        against='teacher',
        fake_key='fake_winter',
        input_key='img_summer',
        teacher=teacher,
        teacher_path='generators.winter',
        prefix='yosemite',
    )
    runner, recorder = build(cyclegan(tmp_path / 'student', [metric]))
    runner.val()
    (scores,) = recorder.metrics
    assert scores['yosemite/teacher/l1'] < 1e-6
    assert scores['yosemite/teacher/ssim'] == pytest.approx(1)


def test_super_resolution_against_the_teacher(tmp_path):
    """One input without a name, [0, 1] in the network, RGB in the network and BGR in the scores."""
    runner, recorder = build(edsr(tmp_path, []))
    teacher = copy.deepcopy(runner.model.generator)
    metric = dict(type='PairedImageQuality', against='teacher', teacher=teacher)
    runner.test_loop.evaluators[0].metrics = [METRICS.build(metric)]
    runner.test()
    assert recorder.metrics[0]['teacher/l1'] == pytest.approx(0, abs=1e-6)


class Grey(nn.Module):
    """A teacher of twice the resolution that returns its image, all grey, beside something else."""

    def forward(self, x):
        return dict(seen=x, image=torch.full_like(nn.functional.interpolate(x, scale_factor=8), 0.5))


def test_the_teachers_output_is_read_and_resized_as_in_training(tmp_path):
    MODELS.register_module(module=Grey, force=True)
    teacher = dict(type='Grey', resize=True)
    options = dict(type='PairedImageQuality', against='teacher', teacher=teacher, output='image')
    runner, recorder = build(edsr(tmp_path, [options]))
    runner.test()
    fakes = [output.output.pred_img for output in recorder.outputs]
    assert_scores(recorder.metrics[0], 'teacher', [(fake, torch.full_like(fake, 127.5)) for fake in fakes])


def test_an_image_that_the_teacher_does_not_return_is_named(tmp_path):
    options = dict(type='PairedImageQuality', against='teacher', teacher=Grey())
    runner, _ = build(edsr(tmp_path, []))
    runner.test_loop.evaluators[0].metrics = [METRICS.build(options)]
    with pytest.raises(ConfigError, match=r"of 'seen', 'image', not .* `output` in PairedImageQuality "):
        runner.test()


def test_a_foreign_teacher_is_brought_to_the_range_of_the_student(tmp_path):
    """A student that makes [-1, 1] where the preprocessor says [0, 1], and a teacher that makes [0, 255]."""
    teacher = dict(type='Conv2d', in_channels=3, out_channels=3, kernel_size=1, value_range=(0, 255))
    options = dict(type='PairedImageQuality', against='teacher', teacher=teacher, value_range=(-1, 1))
    runner, _ = build(edsr(tmp_path, [options]))
    evaluator = runner.test_loop.evaluators[0]
    evaluator.prepare_metrics(runner.model, runner.test_loop.dataloaders[0])
    network = evaluator.metrics[0].teacher
    white = network.network
    nn.init.zeros_(white.weight), nn.init.constant_(white.bias, 255)
    assert network(torch.zeros(1, 3, 2, 2)).unique().tolist() == [1.0]
    nn.init.zeros_(white.bias)
    assert network(torch.zeros(1, 3, 2, 2)).unique().tolist() == [-1.0]


def test_images_of_the_teacher_are_kept(tmp_path):
    """The second test reads what the first has made, and finds the same."""
    runner, _ = build(edsr(tmp_path, []))
    checkpoint = tmp_path / 'teacher.pth'
    torch.save(runner.model.state_dict(), checkpoint)
    model = runner.cfg.model.to_dict()
    settings = dict(model=model, checkpoint=str(checkpoint), cache=str(tmp_path / 'images'))
    found = []
    for _ in range(2):
        runner, recorder = build(edsr(tmp_path, []))
        metric = METRICS.build(dict(type='PairedImageQuality', against='teacher', teacher=settings))
        runner.test_loop.evaluators[0].metrics = [metric]
        runner.test()
        found.append((recorder.metrics[0], metric._cache.hits, metric._cache.misses))
    (first, none, made), (second, hits, again) = found
    assert first == second and (none, again) == (0, 0) and hits == made > 0


def test_a_cache_of_a_teacher_in_training_is_refused(tmp_path):
    runner, _ = build(edsr(tmp_path, []))
    settings = dict(model=runner.cfg.model.to_dict(), mode='train', cache=str(tmp_path / 'images'))
    torch.save(runner.model.state_dict(), tmp_path / 'teacher.pth')
    metric = dict(type='PairedImageQuality', against='teacher', teacher=settings)
    settings['checkpoint'] = str(tmp_path / 'teacher.pth')
    runner.test_loop.evaluators[0].metrics = [METRICS.build(metric)]
    with pytest.raises(ConfigError, match=r'PairedImageQuality\.teacher\.cache: .* leave `cache` out'):
        runner.test()


def test_building_the_teacher_leaves_the_random_stream_alone(tmp_path):
    teacher = dict(type='Conv2d', in_channels=3, out_channels=3, kernel_size=1)
    metric = TEACHER | dict(teacher=teacher, input_key='img_mask')
    runner, _ = build(pix2pix(tmp_path, [metric]), SeededEvaluation())
    loader = runner.test_loop.dataloaders[0]
    before = torch.get_rng_state()
    runner.test_loop.evaluators[0].prepare_metrics(runner.model, loader)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(against='student'), "against must be 'target' or 'teacher', not 'student'"),
        (dict(against='teacher'), 'teacher is missing'),
        (
            dict(against='teacher', teacher=dict(model={}, checkpoint='nowhere.pth')),
            r'PairedImageQuality\.teacher\.checkpoint=nowhere\.pth does not exist',
        ),
    ],
)
def test_wrong_options_are_refused_when_the_evaluator_is_built(options, message):
    with pytest.raises(ConfigError, match=message):
        METRICS.build(dict(type='PairedImageQuality', **options))


def test_errors_of_the_teacher_name_the_metric_s_key(tmp_path):
    file = tmp_path / 'empty.pth'
    torch.save({}, file)
    model = dict(generator=dict(type='Conv2d', in_channels=3, out_channels=3, kernel_size=1))
    teacher = dict(model=model, checkpoint=str(file))
    runner, _ = build(pix2pix(tmp_path / 'run', [TEACHER | dict(teacher=teacher)]))
    with pytest.raises(ConfigError, match=r'PairedImageQuality\.teacher\.checkpoint=.*does not fit'):
        runner.test()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(PHOTO, fake_key='fake_foto'), "fake_key='fake_foto'.*fake_photo"),
        (dict(PHOTO, real_key='img_foto'), "real_key='img_foto'.*img_photo"),
        (TEACHER | dict(teacher=dict(type='Darker')), 'input_key=None names no input.*img_mask'),
    ],
)
def test_absent_images_are_named(tmp_path, options, message):
    from mmengine.registry import MODELS

    if 'Darker' not in MODELS:
        MODELS.register_module(module=Darker)
    runner, _ = build(pix2pix(tmp_path, [options]))
    with pytest.raises(ConfigError, match=message):
        runner.test()
