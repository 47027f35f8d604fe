"""The showcase as a user meets it: its configs, its options, and a whole short run."""

import json
import os
import re
import sys

import numpy as np
import pytest
from families import data_folder
from mmengine.config import Config
from PIL import Image
from places import TOOLS
from torch.nn import Conv2d

from mmagic_mikd.apps.demo import runtime
from mmagic_mikd.apps.showcase.plan import Plan
from mmagic_mikd.apps.showcase.report import Row, comparison, table
from mmagic_mikd.apps.showcase.showcase import parse_args
from mmagic_mikd.cost.of_config import input_shape
from mmagic_mikd.engine.settings import read
from mmagic_mikd.utils.errors import ConfigError

FILES = {'RealESRGAN_x4plus': 'RealESRGAN_x4plus_fp16', 'realesr-animevideov3': 'realesr-animevideov3_fp16'}


def settings(path):
    hook = Config.fromfile(path).default_hooks.distill.to_dict()
    return read({key: value for key, value in hook.items() if key != 'type'})


def rate(cfg):
    return cfg.optim_wrapper.generator.optimizer.lr


def test_the_two_students_differ_in_what_they_learn_from(tmp_path):
    plan = Plan(parse_args(['--short', '--size', 'x64', '--out', str(tmp_path / 'out')]))
    plan.write_configs()
    alone, distilled = (plan.config(name) for name in ('student_alone', 'student_distilled'))
    assert settings(alone).objectives == {} and set(settings(distilled).objectives) == {'pyramid'}
    alone, distilled = Config.fromfile(alone), Config.fromfile(distilled)
    for key in ('param_scheduler', 'train_cfg', 'randomness', 'test_dataloader'):
        assert alone[key] == distilled[key], key
    assert (rate(alone), rate(distilled)) == (1e-3, 3e-4)  # each at the rate that suits it
    assert alone.model.generator == distilled.model.generator
    assert alone.model.generator.mid_channels == 16 and alone.model.generator.num_blocks == 4
    assert (alone.model.pixel_loss.loss_weight, distilled.model.pixel_loss.loss_weight) == (1.0, 0.0)
    assert set(alone.train_dataloader.dataset.data_prefix) == {'img', 'gt'}
    assert set(distilled.train_dataloader.dataset.data_prefix) == {'img'}  # no original is looked at
    kinds = [step.type for step in distilled.train_dataloader.dataset.pipeline]
    assert not {'Crop', 'Flip', 'RandomTransposeHW'} & set(kinds)  # else no input would come again


def test_the_teacher_of_the_page_is_the_published_network(tmp_path):
    plan = Plan(parse_args(['--short', '--out', str(tmp_path / 'out')]))
    plan.write_configs()
    teacher = Config.fromfile(plan.config('teacher'))
    assert teacher.model.generator == teacher.teacher.model.generator
    assert teacher.model.generator.type == 'RRDBNet' and teacher.model.generator.num_blocks == 23


def test_a_cut_student_begins_with_channels_of_the_published_network(tmp_path):
    """With a teacher and without one."""
    plan = Plan(parse_args(['--short', '--size', 'compact40', '--out', str(tmp_path / 'out')]))
    plan.write_configs()
    alone, distilled = (plan.config(f'student_{name}') for name in ('alone', 'distilled'))
    for path in (alone, distilled):
        cfg = Config.fromfile(path)
        assert cfg.model.generator == dict(type='CompactNet', channels=40) and rate(cfg) == 3e-4
        start = settings(path).start['']
        assert start['refit'] and start['source']['checkpoint'].endswith('realesr-animevideov3.pth')
    assert settings(alone).objectives == {} and set(settings(distilled).objectives) == {'pyramid'}


def test_the_compact_student_goes_on_from_the_published_weights(tmp_path):
    """With a teacher and without one: the two differ in what they learn from alone."""
    plan = Plan(parse_args(['--short', '--out', str(tmp_path / 'out')]))
    plan.write_configs()
    alone, distilled = (Config.fromfile(plan.config(f'student_{name}')) for name in ('alone', 'distilled'))
    for cfg in (alone, distilled):
        assert cfg.model.generator == dict(type='CompactNet') and rate(cfg) == 3e-4
        assert cfg.load_from == str(tmp_path / 'out' / 'weights' / 'realesr-animevideov3.pth')
        # what `report` and `complexity` count by: no crop of the pipeline tells it
        assert input_shape(cfg, Conv2d(3, 3, 1), cfg.model.generator, 'the config') == (3, 12, 12)
    assert settings(plan.config('student_distilled')).start == {}
    assert '--resume' not in plan._training('student_alone')
    plan.run_dir('student_alone').mkdir(parents=True)
    (plan.run_dir('student_alone') / 'last_checkpoint').touch()
    assert plan._training('student_alone')[-3:] == ['--resume', '--cfg-options', 'load_from=None']


@pytest.mark.parametrize('option', ['--patches', '--iters', '--side'])
def test_an_option_that_cannot_be_is_refused(option, capsys):
    with pytest.raises(SystemExit):
        parse_args([option, '0'])
    assert f'{option} must be at least' in capsys.readouterr().err


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / 'mine.txt').write_text('')
    with pytest.raises(ConfigError, match='holds other files'):
        Plan(parse_args(['--out', str(tmp_path)]))


def test_a_photograph_that_has_changed_is_cut_again(tmp_path):
    """By its size and time, for its name is the same."""
    photograph = tmp_path / 'mine' / 'a.png'
    photograph.parent.mkdir()

    def cutting(colour):
        Image.new('RGB', (120, 120), colour).save(photograph)
        args = ['--short', '--data', str(photograph.parent), '--out', str(tmp_path / 'out')]
        return next(step.settings for step in Plan(parse_args(args)).steps() if step.name == 'data')

    first = cutting('red')
    os.utime(photograph, ns=(0, photograph.stat().st_mtime_ns))
    again = Plan(parse_args(['--short', '--data', str(photograph.parent), '--out', str(tmp_path / 'out')]))
    assert first == again.steps()[1].settings != cutting('blue')


def test_the_table_says_what_was_measured():
    rows = dict(
        bicubic=Row(psnr=25.123, ssim=0.7654),
        teacher=Row(milliseconds=1600.0, spread=12.0, macs=73_000_000_000, params=16_697_987),
        student_distilled=Row(
            psnr=28.0, ssim=0.85, milliseconds=100.4, spread=1, macs=4_400_000_000, params=1
        ),
    )
    text = table(rows, 8, 'COMMAND')
    assert '| bicubic | 25.12 | 0.765 | - | - | - | - |' in text
    assert '| teacher (x4plus) | - | - | 1600 ± 12 | 73.00 G | 16.70 M | 66.79 |' in text
    assert '| 28.00 | 0.850 | 100 ± 1 | 4.40 G (16.6 times fewer) |' in text and '`COMMAND`' in text


def test_the_picture_has_a_column_for_each_and_the_middle_of_each_photograph():
    inputs = [np.full((10, 12, 3), 50, np.uint8), np.full((8, 8, 3), 60, np.uint8)]
    names = ('bicubic', 'teacher', 'student_alone', 'student_distilled')
    made = {
        name: [np.full((4 * h, 4 * w, 3), 100 + i, np.uint8) for h, w in ((10, 12), (8, 8))]
        for i, name in enumerate(names)
    }
    sheet = np.asarray(comparison(inputs, made))
    assert sheet.shape == (48 + 2 * (32 + 6), 5 * (32 + 6) + 6, 3)
    middle = [sheet[48 + 16, 6 + column * 38 + 16, 0] for column in range(5)]
    assert middle == [50, 100, 101, 102, 103]


def require_report(run, out, said):
    """By the command that the run has printed."""
    (command,) = re.findall(r'^  (\S+ tools/report\.py .*?\.html) ', said.replace('\\\n', ' '), re.M)
    done = run(*command.split(), cwd=TOOLS.parent, PYTHONPATH=TOOLS.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    text = (out / 'report.html').read_text()
    shown = sorted(path.name for path in (out / 'data' / 'test').iterdir())
    for name in ('input', 'teacher', 'student_alone', 'student_distilled'):
        assert any(f'alt="{name}: {file}"' in text for file in shown), name
    assert 'fewer parameters' in text and 'losses of the distillation' in text


@pytest.mark.parametrize('reason', ['npm is needed once', ''])
def test_the_page_is_left_out_with_one_sentence(reason, tmp_path, monkeypatch, capsys):
    plan, ran = Plan(parse_args(['--short', '--out', str(tmp_path / 'out')])), []

    def load():
        if reason:
            raise ConfigError(reason)

    monkeypatch.setattr(runtime, 'load', load)
    monkeypatch.setattr(plan, '_run', lambda command, *_: ran.append(command))
    step = plan.steps()[-1]
    step.run(None)
    assert step.outputs == (tmp_path / 'out' / 'export' / 'demo.html',)  # absent, so it is tried again
    assert [command[0] for command in ran] == ([] if reason else ['export', 'demo'])
    if ran:
        assert ran[1] == ['demo', tmp_path / 'out' / 'export', '--teacher', tmp_path / 'out' / 'teacher']
    assert capsys.readouterr().out == (f'      no page: {reason}\n' if reason else '')


@pytest.mark.slow
@pytest.mark.whole
def test_a_short_run_leaves_everything_that_it_names(run, tmp_path):
    weights = tmp_path / 'weights'
    weights.mkdir()
    for name, published in FILES.items():
        (weights / f'{name}.pth').symlink_to(data_folder('weights_realesrgan') / f'{published}.pth')
    out = tmp_path / 'out'
    command = ['bash', TOOLS / 'showcase.sh', '--short', '--out', out, '--weights', weights]
    python = dict(MIKD_VENV='none', PATH=f'{sys.prefix}/bin:/usr/bin:/bin')
    done = run(*command, **python)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads((out / 'results.json').read_text())['rows']
    assert rows['teacher']['macs'] > 28 * rows['student_distilled']['macs'] and rows['bicubic']['psnr'] > 15
    assert (out / 'export' / 'student.onnx').stat().st_size > 100_000
    assert Image.open(out / 'comparison.png').width > 200
    page = out / 'export' / 'demo.html'
    assert page.is_file() != ('no page: ' in done.stdout)  # where npm is
    if page.is_file():
        told = re.search(r'id="told"[^>]*>(.*?)</script>', page.read_text(), re.S)
        starts = json.loads(told[1])['starts']
        assert starts and all(start['teacher'] for start in starts)  # the teacher's image stands beside
    again = run(*command, **python)
    assert again.stdout.count(': kept') == 5 + page.is_file(), again.stdout
    require_report(run, out, done.stdout)
    large = tmp_path / 'large.png'
    photograph = next((out / 'data' / 'test').iterdir())
    translate = [sys.executable, '-m', 'mmagic_mikd', 'translate', out / 'export' / 'student.onnx']
    assert run(*translate, photograph, large, PYTHONPATH=TOOLS.parent).returncode == 0
    assert Image.open(large).width == 4 * Image.open(photograph).width
