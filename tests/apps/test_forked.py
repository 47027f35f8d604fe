"""A command in a copy of a process ends, and says, what it does in a process of its own."""

import json
import os
import subprocess
import sys

import forked
import pytest

SHOWN = """
import json, os, signal, sys
print(json.dumps([sys.argv, os.getcwd(), os.environ.get('GIVEN'), __name__, 'torch' in sys.modules]))
print('this went wrong', file=sys.stderr)
"""
ENDS = {
    '': 0,
    'sys.exit()': 0,
    'sys.exit(3)': 3,
    'sys.exit("one sentence")': 1,
    'raise ValueError("a bug")': 1,
    'os.kill(os.getpid(), signal.SIGKILL)': -9,
    'os.kill(os.getpid(), signal.SIGTERM)': -15,
}


@pytest.mark.parametrize('end', ENDS)
def test_it_ends_as_a_process_of_its_own(tmp_path, end):
    script = tmp_path / 'script.py'
    script.write_text(f'{SHOWN}sys.stdout.flush()\nsys.stderr.flush()\n{end}\n')
    command, env = [sys.executable, str(script), 'a b', '--c'], {**os.environ, 'GIVEN': 'x'}
    done = forked.run(command, tmp_path, env, 60)
    real = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == real.returncode == ENDS[end]
    assert json.loads(done.stdout) == [*json.loads(real.stdout)[:4], True]
    assert done.stderr.splitlines()[0] == real.stderr.splitlines()[0] == 'this went wrong'
    assert done.stderr.splitlines()[-1] == real.stderr.splitlines()[-1]


STARTS = """
import subprocess, sys
ran = [subprocess.run([sys.executable, option, 'mikd', name], capture_output=True, text=True, cwd='in')
       for option, name in (('-m', '--version'), ('-um', 'nonsense'))]
print([(done.returncode, done.stdout, done.stderr) for done in ran])
with subprocess.Popen([sys.executable, '-um', 'mikd', 'train', 'x.py'], start_new_session=True) as training:
    pass
print(training.returncode)
"""


def test_what_it_starts_ends_as_a_process_of_its_own_too(tmp_path):
    script = tmp_path / 'script.py'
    script.write_text(STARTS)
    (tmp_path / 'in').mkdir()
    command, env = [sys.executable, str(script)], {**os.environ, 'OMP_NUM_THREADS': '1', 'LOCAL_RANK': '0'}
    assert forked.can_run([sys.executable, '-um', 'mikd', 'nonsense'], env)
    done = forked.run(command, tmp_path, env, 60)
    real = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (real.returncode, real.stdout)
    assert done.stderr.splitlines()[-1] == real.stderr.splitlines()[-1]


def test_it_is_ended_when_its_time_is_up(tmp_path):
    script = tmp_path / 'script.py'
    script.write_text('import time\ntime.sleep(600)\n')
    with pytest.raises(subprocess.TimeoutExpired):
        forked.run([sys.executable, str(script)], tmp_path, dict(os.environ), 0.5)


@pytest.mark.parametrize(
    ('command', 'variables', 'can'),
    [
        ([sys.executable, f'{forked.ROOT}/tools/train.py', 'x.py'], {}, True),
        ([sys.executable, '-m', 'mikd', 'train'], {}, True),
        ([sys.executable, '-c', 'print()'], {}, False),
        (['bash', f'{forked.ROOT}/tools/train.py'], {}, False),
        ([sys.executable, '-m', 'mikd', 'train'], {'OMP_NUM_THREADS': '2'}, False),
        ([sys.executable, '-m', 'mikd', 'train'], {'PYTHONPATH': 'elsewhere'}, False),
        ([sys.executable, '-um', 'mmagic_mikd', 'train'], {}, True),
        ([sys.executable, '-u', f'{forked.ROOT}/tools/train.py', 'x.py'], {}, True),
        ([sys.executable, '-m', 'pip', 'list'], {}, False),
    ],
)
def test_what_needs_a_start_of_its_own_gets_it(command, variables, can):
    env = {**os.environ, 'OMP_NUM_THREADS': '1', **variables}
    env = {name: value for name, value in env.items() if name not in ('OMP_WAIT_POLICY', 'PYTHONHASHSEED')}
    assert forked.can_run(command, env) == can
