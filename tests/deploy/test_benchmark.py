"""Times of networks in turn, and what of the fall of multiply-accumulates the clock sees."""

import json
import time

import pytest
import torch
from places import ROOT
from torch import nn

from mikd.arguments.benchmark import RUNTIMES
from mmagic_mikd.apps.export import benchmark
from mmagic_mikd.deploy.speed import by_layer_type, in_turn


def test_calls_come_in_turn_and_times_are_theirs():
    order = []

    def call(name, seconds):
        order.append(name)
        time.sleep(seconds)

    found = in_turn(dict(slow=lambda: call('slow', 0.02), fast=lambda: call('fast', 0.002)), rounds=5)
    assert order[6:] == ['slow', 'fast'] * 5  # after three warm calls of each
    assert found['slow'].median > 19 > found['fast'].median > 1.9


def test_layers_are_told_apart_by_their_class():
    class Slow(nn.Module):
        def forward(self, x):
            time.sleep(0.01)
            return x

    shares = by_layer_type(nn.Sequential(Slow(), nn.Identity()), torch.zeros(1), rounds=3)
    assert shares['Slow'] > 0.8 and abs(sum(shares.values()) - 1) < 1e-6


@pytest.mark.parametrize('runtime', RUNTIMES)
def test_teacher_and_student_of_a_config(runtime, tmp_path, capsys):
    if runtime == 'ort':
        pytest.importorskip('onnxruntime', reason='needs pip install onnx onnxruntime onnxscript')
    config, out = str(ROOT / 'configs' / 'mikd_edsr.py'), tmp_path / 'numbers.json'
    options = ['--input-shape', '3', '16', '16', '--rounds', '3', '--runtime', runtime, '--out', str(out)]
    assert benchmark.main([config, *options]) == 0
    said = capsys.readouterr().out
    assert f'{runtime}: MACs fell 3.9 times, time ' in said and '% kept.' in said
    assert 'Time of the student in torch: Conv2d ' in said
    assert 'mikd report' in said.splitlines()[-1]
    numbers = json.loads(out.read_text())
    for name in ('teacher', 'student'):
        weights, file = numbers[name]['megabytes'].values()
        assert weights == pytest.approx(numbers[name]['params'] * 4e-6, rel=0.01)
        # a file holds the graph as well
        assert file is None if runtime == 'torch' else weights < file < weights + 1
    assert ('| weights, MB | file, MB |' in said) == (runtime == 'ort')
    assert numbers['teacher']['macs'] > 3 * numbers['student']['macs']
    # a map of 64 channels at 64 x 64 pixels takes a megabyte in the teacher, half of it in the student
    assert numbers['teacher']['peak'] is None or numbers['teacher']['peak'] > numbers['student']['peak'] > 1e5
    assert numbers['milliseconds'][runtime]['student']['median'] > 0


@pytest.mark.parametrize('option', ['--rounds', '--threads'])
@pytest.mark.parametrize('count', ['0', '-1'])
def test_no_rounds_and_no_threads_are_refused_before_any_work(option, count, capsys):
    with pytest.raises(SystemExit) as ended:
        benchmark.main(['no_such_config.py', option, count])
    assert ended.value.code == 2
    assert capsys.readouterr().err == f'Error: {option} {count} must be at least 1\n'
