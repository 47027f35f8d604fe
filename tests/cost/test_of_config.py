"""The one input on which the generators of a config are measured, from the pipelines that it trains with."""

from types import SimpleNamespace

import pytest
from mmengine.config import Config
from places import ROOT
from torch import nn

from mmagic_mikd.apps.analysis import complexity as complexity_tool
from mmagic_mikd.apps.builder.build_student import shape_of
from mmagic_mikd.apps.export import benchmark
from mmagic_mikd.apps.launch.launch import read_config
from mmagic_mikd.apps.report.runs import Run
from mmagic_mikd.apps.study.cell import generator_cost
from mmagic_mikd.cost.of_config import input_shape, rows_of
from mmagic_mikd.students import CompactNet
from mmagic_mikd.utils.errors import ConfigError

REAL_ESRGAN = str(ROOT / 'configs' / 'mikd_real_esrgan.py')


@pytest.fixture(autouse=True)
def modules():
    from mmagic.utils import register_all_modules

    register_all_modules()


@pytest.fixture
def compact(tmp_path):
    """A student of another kind than its teacher, and without its `upscale_factor`."""
    path = tmp_path / 'compact.py'
    path.write_text(f"_base_ = [{REAL_ESRGAN!r}]\nmodel = dict(generator=_base_.students['compact'])\n")
    return str(path)


def test_teacher_and_student_of_two_kinds_have_the_input_of_the_training(compact):
    """As docs/showcase.md has them: 73.43 G and 2.54 G at 64 px."""
    teacher, student = rows_of(read_config(compact), compact, device='meta')
    assert teacher.shape == student.shape == (3, 64, 64)
    assert [round(row.cost.macs / 1e9, 2) for row in (teacher, student)] == [73.43, 2.54]


def test_they_are_timed_on_that_input_too(compact, monkeypatch):
    monkeypatch.setattr(benchmark, 'complexity', lambda network, x: None)
    subjects = benchmark.subjects_of(benchmark.parse_args([compact]))
    assert [(s.name, tuple(s.x.shape)) for s in subjects] == [
        ('teacher', (1, 3, 64, 64)),
        ('student', (1, 3, 64, 64)),
    ]


@pytest.mark.parametrize(
    ('config', 'shape'),
    [
        ('mikd_cyclegan', (3, 256, 256)),
        ('mikd_edsr', (3, 49, 49)),
        ('mikd_esrgan', (3, 32, 32)),
        ('mikd_nafnet', (3, 256, 256)),
        ('mikd_pix2pix', (3, 256, 256)),
        ('mikd_rdn', (3, 32, 32)),
        ('mikd_real_esrgan', (3, 64, 64)),
        ('mikd_srgan', (3, 32, 32)),
        ('mikd_srresnet', (3, 32, 32)),
    ],
)
def test_inputs_of_the_shipped_configs(config, shape):
    path = ROOT / 'configs' / f'{config}.py'
    cfg = read_config(str(path))
    assert input_shape(cfg, nn.Identity(), cfg.model.generator, str(path)) == shape


def crop(size, *keys, **options):
    return dict(type='Crop', keys=[*keys], crop_size=(size, size), **options)


def resize(scale, *keys, **options):
    return dict(type='Resize', keys=[*keys], scale=scale, **options)


def copy(source, target):
    return dict(type='CopyValues', src_keys=[source], dst_keys=[target])


SCALE = dict(type='SetValues', dictionary=dict(scale=4))
DRAWN = dict(type='RandomResize', keys=['img'], params=dict(resize_scale=[0.2, 1.5]))
CUBIC = dict(type='MATLABLikeResize', keys=['img'], scale=1 / 4)


@pytest.mark.parametrize(
    ('pipeline', 'side'),
    [
        ([crop(128, 'gt')], 32),
        ([crop(64, 'img')], 64),
        ([crop(64, 'img'), crop(256, 'gt')], 64),
        ([crop(256, 'gt'), crop(64, 'img')], 64),
        ([crop(64, 'img', 'gt')], 64),
        ([SCALE, dict(type='PairedRandomCrop', gt_patch_size=128)], 32),
        ([dict(type='PairedRandomCrop', gt_patch_size=128)], 32),
        ([SCALE, dict(type='PairedRandomCrop', gt_patch_size=128, gt_key='large', lq_key='small')], 32),
        # the scale of the data, whatever the network does
        ([dict(SCALE, dictionary=dict(scale=2)), dict(type='PairedRandomCrop', gt_patch_size=128)], 64),
        # one image is made from the other
        ([crop(64, 'img'), copy('img', 'gt'), resize(4.0, 'gt')], 64),
        ([crop(64, 'gt'), copy('gt', 'img'), resize(4.0, 'gt')], 64),
        ([crop(256, 'img'), copy('img', 'gt'), CUBIC], 64),
        ([crop(256, 'gt'), copy('gt', 'img'), CUBIC], 64),
        ([crop(256, 'gt'), copy('gt', 'img'), DRAWN, dict(type='MyOwn', keys=['img'])], 64),
        ([crop(256, 'img'), copy('img', 'gt'), DRAWN], 64),
        ([crop(64, 'img'), DRAWN], 64),
        ([resize((256, 256), 'gt'), resize(1 / 8, 'gt', output_keys=['img'])], 32),
        ([resize((256, 256), 'gt', 'mask')], 256),
        # wrapped, and of a translation
        ([dict(type='Cached', transforms=[SCALE, crop(128, 'gt')])], 32),
        ([dict(type='RandomChoice', transforms=[[crop(96, 'img')], [crop(64, 'img')]])], 64),
        ([resize((286, 286), 'img_a', 'img_b'), crop(256, 'img_a', 'img_b')], 256),
    ],
)
def test_only_what_was_the_size_of_the_ground_truth_is_divided(pipeline, side):
    cfg = Config(dict(train_dataloader=dict(dataset=dict(pipeline=pipeline))))
    assert input_shape(cfg, nn.Identity(), dict(upscale_factor=4), '') == (3, side, side)


class OfTwo(nn.Module):
    """Whose settings say nothing of its channels."""

    def __init__(self, inp_channels=2):
        super().__init__()


@pytest.mark.parametrize(
    ('network', 'settings', 'channels'),
    [
        (nn.Identity(), dict(inp_channels=1), 1),  # Restormer
        (nn.Identity(), dict(img_channels=1), 1),  # NAFNet
        (nn.Identity(), dict(in_channels=4, inp_channels=1), 4),
        (OfTwo(), {}, 2),
        (OfTwo(), dict(inp_channels=1), 1),
        (nn.Identity(), {}, 3),
    ],
)
def test_the_channels_are_those_of_the_network_whatever_it_calls_them(network, settings, channels):
    cfg = Config(dict(train_dataloader=dict(dataset=dict(pipeline=[crop(64, 'img')]))))
    assert input_shape(cfg, network, settings, '') == (channels, 64, 64)


@pytest.mark.parametrize('network', [nn.Identity(), CompactNet(channels=2, layers=1)])
def test_the_network_or_its_teacher_tells_the_scale_that_a_student_does_not(network):
    cfg = Config(
        dict(
            train_dataloader=dict(dataset=dict(pipeline=[crop(128, 'gt')])),
            default_hooks=dict(distill=dict(teacher=dict(model=dict(generator=dict(upscale_factor=4))))),
        )
    )
    assert input_shape(cfg, network, {}, '') == (3, 32, 32)


def test_one_line_of_the_config_is_the_answer_of_every_tool(compact, tmp_path, monkeypatch, capsys):
    """Of `complexity`, `benchmark`, builder, report and the rows of a study; an argument goes before."""
    config = tmp_path / 'asked.py'
    config.write_text(f'_base_ = [{compact!r}]\ncomplexity_shape = (3, 24, 40)\n')
    cfg, asked = read_config(str(config)), (3, 24, 40)
    assert {row.shape for row in rows_of(cfg, str(config), device='meta')} == {asked}
    assert {row.shape for row in rows_of(cfg, str(config), (3, 8, 8), 'meta')} == {(3, 8, 8)}
    teacher, student = rows_of(cfg, str(config), asked, 'meta')
    complexity_tool.main([str(config)])
    counted = [f'{row.cost.macs / 1e9:.3f} G' for row in (teacher, student)]
    said = capsys.readouterr().out
    assert all(count in said for count in counted)
    monkeypatch.setattr(benchmark, 'complexity', lambda network, x: None)
    subjects = benchmark.subjects_of(benchmark.parse_args([str(config)]))
    assert {tuple(each.x.shape) for each in subjects} == {(1, *asked)}
    assert shape_of(cfg, SimpleNamespace(teacher=str(config), input_shape=None)) == asked
    assert generator_cost(cfg, str(config)) == student.cost
    (tmp_path / 'run').mkdir()
    cfg.dump(tmp_path / 'run' / 'config.py')
    assert [row.cost for row in Run(tmp_path / 'run', 'run').costs] == [teacher.cost, student.cost]


@pytest.mark.parametrize('shape', [64, 'small', (3, 0, 8), (3, 8.0, 8)])
def test_a_shape_that_is_none_is_one_sentence(shape):
    with pytest.raises(
        ConfigError, match=r'^complexity_shape=.* must be that of one input, such as \(3, 256'
    ):
        input_shape(Config(dict(complexity_shape=shape)), nn.Identity(), {}, '')


def test_a_size_of_the_input_in_the_config_is_taken_as_it_is():
    assert input_shape(Config(dict(input_shape=(48, 64))), nn.Identity(), dict(upscale=4), '') == (3, 48, 64)


def test_the_first_of_datasets_that_follow_each_other():
    datasets = [dict(pipeline=[crop(size, 'img')]) for size in (32, 64)]
    cfg = Config(
        dict(train_dataloader=dict(dataset=dict(dataset=dict(type='ConcatDataset', datasets=datasets))))
    )
    assert input_shape(cfg, nn.Identity(), {}, '') == (3, 32, 32)
