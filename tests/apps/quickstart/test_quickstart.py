"""The quickstart as a user meets it: stopped in the middle, started again, finished, started again."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from PIL import Image
from places import TOOLS

OPTIONS = ['--short', '--size', '32', '--iters', '40', '--device', 'cpu']


def start(out):
    command = [sys.executable, TOOLS / 'quickstart.py', *OPTIONS, '--out', out]
    env = {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONUNBUFFERED': '1'}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=env, stdout=pipe, stderr=subprocess.STDOUT, text=True)


def wait_for(path, process, seconds=240):
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[0]
        time.sleep(0.02)


@pytest.fixture(scope='module')
def finished(tmp_path_factory):
    """What was printed by a run that is stopped in the first training, and by the same command again."""
    out = tmp_path_factory.mktemp('quickstart') / 'my results'
    process = start(out)
    wait_for(out / 'runs' / 'teacher' / 'last_checkpoint', process)
    process.send_signal(signal.SIGINT)
    stopped = process.communicate(timeout=60)[0]
    code = process.returncode
    process = start(out)
    return out, (code, stopped), (process.wait(600), process.communicate()[0])


@pytest.mark.slow
@pytest.mark.whole
def test_ctrl_c_ends_in_one_sentence(finished):
    _, (code, printed), _ = finished
    assert code == 130 and 'Traceback' not in printed
    assert 'the same command goes on from here' in printed.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.whole
def test_the_training_goes_on_from_its_checkpoint(finished):
    out, _, (code, printed) = finished
    assert code == 0, printed
    assert '[1/6]' in printed and 'kept' in printed.splitlines()[0]
    assert 'resumed epoch: 0, iter: 20' in (out / 'logs' / 'train_teacher.log').read_text()


@pytest.mark.slow
@pytest.mark.whole
def test_picture_table_and_checkpoints_are_there(finished):
    out, _, (_, printed) = finished
    picture = Image.open(out / 'comparison.png')
    assert picture.width > 5 * 100 and len(set(picture.get_flattened_data())) > 1000
    results = json.loads((out / 'results.json').read_text())
    teacher, plain, distilled, *shipped = results['models'].values()
    assert plain['params'] == distilled['params'] < teacher['params'] / 10
    for model in (plain, distilled):
        assert {'target/psnr', 'target/ssim', 'target/l1', 'teacher/psnr'} <= model['scores'].keys()
        assert model['milliseconds'] > 0 and model['macs'] < model['macs_paper']
    assert plain['scores'] != distilled['scores']
    for model, same in zip(shipped, (plain, distilled), strict=True):
        assert model['scores'] != same['scores'] and model['title'] == f'{same["title"]}, as it ships'
        assert model['scores'].keys() == same['scores'].keys()
    table = (out / 'results.md').read_text()
    assert f'{distilled["scores"]["target/psnr"]:.2f}' in table
    for name in ('comparison.png', 'results.md', 'checkpoints', 'student_distilled.py'):
        assert name in printed


@pytest.mark.slow
@pytest.mark.whole
def test_the_checkpoints_hold_a_model_and_nothing_else(finished):
    out = finished[0]
    for name in ('teacher', 'student_plain', 'student_distilled'):
        content = torch.load(out / 'checkpoints' / f'{name}.pth', weights_only=True)
        assert content.keys() == {'meta', 'state_dict'}
        prefixes = {key.split('.')[0] for key in content['state_dict']}
        assert prefixes == {'generators', 'discriminators'}


@pytest.mark.slow
@pytest.mark.whole
def test_a_third_time_everything_is_kept(finished):
    out = finished[0]
    before = {path: path.stat().st_mtime_ns for path in (out / 'runs').rglob('*')}
    process = start(out)
    printed = process.communicate(timeout=120)[0]
    assert process.returncode == 0 and printed.count(': kept') == 6
    assert before == {path: path.stat().st_mtime_ns for path in (out / 'runs').rglob('*')}


def test_an_error_is_one_sentence(run, tmp_path):
    done = run(sys.executable, TOOLS / 'quickstart.py', '--data', tmp_path, '--out', tmp_path / 'out')
    assert done.returncode == 2 and 'Traceback' not in done.stderr
    assert done.stderr.strip().startswith('Error: --data')
    assert not (tmp_path / 'out').exists()
