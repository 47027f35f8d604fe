"""The tools on runs whose teachers are several, or are trained along: a column, a row and a ratio of each."""

import json
import re

import pytest
import torch
from families import omgd, omgd_cyclegan, train
from mmengine.config import Config
from mmengine.registry import MODELS
from reported import with_test_set

from mmagic_mikd.apps.export import benchmark
from mmagic_mikd.apps.report.report import main as report
from mmagic_mikd.apps.scaling.footprint import measure, shortened
from mmagic_mikd.utils.errors import ConfigError


def alternatives(page: str) -> list[str]:
    """What the pictures of the first sample show."""
    shown = [name.split(': ')[0] for name in re.findall(r'<img [^>]*alt="([^"]+)"', page)]
    return list(dict.fromkeys(shown))


@pytest.mark.slow
def test_a_report_shows_each_teacher_in_training(tmp_path, capsys):
    train(with_test_set(omgd(tmp_path / 'run')))
    report([str(tmp_path / 'run'), '--images', '3'])
    page = (tmp_path / 'run' / 'report.html').read_text()
    assert alternatives(page) == ['input', 'teacher deep', 'teacher wide', 'student', 'target']
    for name in ('wide', 'deep'):
        assert f'fewer multiply-accumulates than teacher {name}' in page
        assert f'teacher {name}/psnr' in page
    assert 'could not be shown' not in page


@pytest.mark.slow
def test_a_report_shows_the_only_teacher_in_training(tmp_path, capsys):
    train(omgd_cyclegan(tmp_path / 'run', iters=2))
    report([str(tmp_path / 'run'), '--images', '3'])
    page = (tmp_path / 'run' / 'report.html').read_text()
    assert alternatives(page)[:3] == ['input', 'teacher', 'student']
    assert 'could not be shown' not in page


def test_a_benchmark_times_each_teacher(tmp_path, capsys):
    cfg = omgd(tmp_path)
    cfg.complexity_shape = (3, 32, 32)
    cfg.dump(tmp_path / 'config.py')
    out = tmp_path / 'times.json'
    benchmark.main([str(tmp_path / 'config.py'), '--rounds', '2', '--out', str(out)])
    said, numbers = capsys.readouterr().out, json.loads(out.read_text())
    assert list(numbers['milliseconds']['torch']) == ['teacher deep', 'teacher wide', 'student']
    assert numbers['teacher wide']['params'] > numbers['student']['params']
    assert 'torch from teacher wide: MACs fell' in said and 'torch from teacher deep: MACs fell' in said


def test_each_absent_teacher_gets_weights_of_its_own_for_a_trial(tmp_path):
    model = dict(type='Conv2d', in_channels=1, out_channels=1, kernel_size=1)
    teachers = {name: dict(model=dict(model), checkpoint=f'absent/{name}.pth') for name in ('one', 'two')}
    hooks = dict(distill=dict(teacher=teachers))
    cfg = shortened(Config(dict(train_dataloader=dict(), default_hooks=hooks)), tmp_path, 1)
    files = [teacher.checkpoint for teacher in cfg.default_hooks.distill.teacher.values()]
    assert files[0] != files[1]
    assert all(torch.load(file)['weight'].shape == (1, 1, 1, 1) for file in files)


def test_the_footprint_of_teachers_in_training_has_each_network_once(tmp_path):
    counted = measure(omgd(tmp_path), iters=1)
    model = MODELS.build(omgd(tmp_path).model)
    sizes = dict(
        student=model.generators, teacher=model.teacher_generators, discriminator=model.teacher_discriminators
    )
    memory = counted.memory
    for part, network in sizes.items():
        assert memory[f'weights, {part}'] == _bytes(network.parameters())
    assert _bytes(sizes['teacher'].parameters()) <= sum(counted.sent['teacher'])  # though every = 2
    held = ('teacher', 'averaged copy, frozen losses, buffers')
    assert all(memory[f'weights, channels{number}'] for number in range(1, 5))
    everything = sum(memory[f'weights, {part}'] for part in sizes) + sum(memory[name] for name in held)
    assert everything == _bytes(each for each in (*model.parameters(), *model.buffers()))


def test_the_footprint_where_teacher_and_student_take_turns_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r'model\.phases: an iteration trains the teachers or the student'):
        measure(omgd_cyclegan(tmp_path), iters=1)


def _bytes(tensors):
    return sum(tensor.nbytes for tensor in tensors)
