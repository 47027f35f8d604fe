"""The same in processes of their own, as a user starts them: what arrives on the terminal; all of them end."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import forked
import pytest
from bad_input_catalogue import sentences
from bad_input_world import World
from places import TOOLS
from privileges import without_privileges
from processes import free_port

pytestmark = pytest.mark.slow


def environment(**variables):
    kept = {
        key: value
        for key, value in os.environ.items()
        if key not in ('LOCAL_RANK', 'RANK', 'WORLD_SIZE', 'PORT')
    }
    ours = dict(OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='', MIKD_VENV=sys.prefix)
    return {**kept, **ours, **variables}


def start(folder, *command, afresh=False, before=bool, **variables):
    """A command, and what it has put on standard error; ended after two minutes.

    In a copy of a process that has imported the package, which calls `before` first, or ``afresh``.
    """
    env = environment(**dict(PORT=str(free_port())) | variables)
    command = [str(part) for part in command]
    if not afresh and (copy := forked.copied(command, folder, env)):
        done = forked.run(*copy, 120, before)
    else:
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120)
    assert 'Traceback' not in done.stderr, done.stderr
    return done.returncode, sentences(done.stderr), done.stderr


def test_one_process(tmp_path):
    World(tmp_path).config({'default_hooks.distill.los': {}})
    code, said, stderr = start(tmp_path, sys.executable, TOOLS / 'train.py', 'student.py', afresh=True)
    assert code == 2 and said == ["default_hooks.distill has no setting 'los': did you mean 'loss'?"]
    assert stderr.splitlines()[-1].startswith('Error: ')


def test_nonsense_for_visible_devices_is_no_device(tmp_path):
    """PyTorch sees none, so the run is one on the CPU."""
    World(tmp_path).config({'train_cfg.max_iters': 1})
    script = [sys.executable, TOOLS / 'train.py', 'student.py']
    code, said, _ = start(tmp_path, *script, CUDA_VISIBLE_DEVICES='nonsense')
    assert (code, said) == (0, [])


@pytest.mark.parametrize(
    'broken',
    [
        'config',  # met by both before they know of each other
        'teacher',  # met by both after they have met
        'picture',  # met by one, on which the other waits
    ],
)
def test_two_processes_say_it_once_and_end(tmp_path, broken):
    world = World(tmp_path)
    world.config({})
    if broken == 'config':
        world.write('student.py', 'model = dict(\n')
    if broken == 'teacher':
        (tmp_path / 'teacher.pth').unlink()
    if broken == 'picture':
        world.write('data/small/2.png', 'no picture')
    before = world.snapshot()
    code, said, _ = start(tmp_path, TOOLS / 'dist_train.sh', 'student.py', 2)
    named = dict(config='student.py cannot be read', teacher='teacher.pth', picture='data/small/2.png')
    assert code == 2 and len(said) == 1 and named[broken] in said[0]
    assert before == world.snapshot() or broken == 'picture'  # the first may be ended while it waits


@pytest.mark.parametrize(
    'place, mode',
    [
        ('work', 0o500),  # nothing can be written there
        ('data/small', 0o000),
        ('data/small/2.png', 0o000),
        ('teacher.pth', 0o000),
        ('student.py', 0o000),
    ],
)
def test_what_may_not_be_read_or_written_is_named(tmp_path, place, mode):
    world = World(tmp_path)
    world.config({})
    before = world.snapshot()
    (tmp_path / place).chmod(mode)
    command = [sys.executable, TOOLS / 'train.py', 'student.py']
    try:
        code, said, stderr = start(tmp_path, *command, before=without_privileges)
    finally:
        (tmp_path / place).chmod(0o700)
    assert code == 2 and len(said) == 1 and place in said[0] and 'ermission' in said[0], stderr
    assert before.items() <= world.snapshot().items()


def training(folder, *command):
    """A long training in the background, once it has begun to save."""
    World(folder).config({'train_cfg.max_iters': 10**6})
    copy = forked.copied([str(part) for part in command], folder, environment())
    process = forked.start(*copy, folder / 'stdout.txt', folder / 'stderr.txt')
    wait_until(lambda: (folder / 'work/last_checkpoint').exists() or not process.is_alive())
    assert process.is_alive(), (folder / 'stderr.txt').read_text()
    return process


def wait_until(true, seconds=90):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def children(pid):
    found = subprocess.run(['pgrep', '-P', str(pid)], capture_output=True, text=True).stdout
    return [int(line) for line in found.split()]


def alive(pid):
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def test_a_second_training_in_a_work_dir_is_refused_until_the_first_has_ended(tmp_path):
    script = [sys.executable, TOOLS / 'train.py', 'student.py']
    first = training(tmp_path, *script)
    try:
        code, said, _ = start(tmp_path, *script)
        assert code == 2 and len(said) == 1 and 'work_dir=work is in use by another training' in said[0]
    finally:
        first.kill()
        first.join()
    last = (tmp_path / 'work/last_checkpoint').read_text()
    steps = int(Path(last).stem.removeprefix('iter_')) + 50
    options = ['--resume', '--cfg-options', f'train_cfg.max_iters={steps}']
    code, said, stderr = start(tmp_path, *script, *options)
    assert (code, said) == (0, []), stderr


@pytest.mark.parametrize('victim', ['rank', 'launcher'])
def test_nobody_is_left_behind_a_kill(tmp_path, victim):
    launcher = training(tmp_path, TOOLS / 'dist_train.sh', 'student.py', 2)
    ranks = children(launcher.pid)
    try:
        assert len(ranks) == 2
        os.kill(ranks[1] if victim == 'rank' else launcher.pid, signal.SIGKILL)
        launcher.join(30)
        wait_until(lambda: not any(map(alive, ranks)), 10)
    finally:
        for pid in (launcher.pid, *ranks):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    if victim == 'rank':
        (sentence,) = sentences((tmp_path / 'stderr.txt').read_text())
        assert launcher.exitcode == 1 and 'was ended by SIGKILL' in sentence and '--resume' in sentence


def test_a_port_in_use_is_named(tmp_path):
    World(tmp_path).config({})
    with socket.socket() as taken:
        taken.bind(('0.0.0.0', 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said, _ = start(tmp_path, TOOLS / 'dist_train.sh', 'student.py', 1, PORT=str(port))
    assert code == 2 and said == [f'PORT={port} is in use: set PORT to a free one, or leave it out']
