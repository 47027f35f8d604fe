"""Steps: what is kept, what runs again, what an interruption leaves behind."""

import os
import signal
import subprocess
import sys
import time

import pytest

from mmagic_mikd.apps.quickstart import steps
from mmagic_mikd.apps.quickstart.steps import Progress, Step, StepFailed, duration, run_command, run_steps


@pytest.fixture
def log(tmp_path):
    """Runs three toy steps with the given settings and returns which of them really ran."""

    def run(*settings, broken=None):
        ran = []

        def step(name, setting):
            output, scratch = tmp_path / f'{name}.txt', tmp_path / f'{name}_work'

            def work(progress):
                ran.append((name, scratch.exists()))
                scratch.mkdir(exist_ok=True)
                if broken == name:
                    raise KeyboardInterrupt
                output.write_text(str(setting))

            return Step(name, name, setting, work, 1, (output,), (scratch,))

        try:
            run_steps([step(*pair) for pair in zip('abc', settings, strict=True)], tmp_path)
        except KeyboardInterrupt:
            ran.append('interrupted')
        return ran

    return run


def fresh(*names):
    return [(name, False) for name in names]


def test_finished_steps_are_kept(log, capsys):
    assert log(1, 2, 3) == fresh('a', 'b', 'c')
    assert log(1, 2, 3) == []
    assert capsys.readouterr().out.count('kept') == 3


def test_changed_settings_run_that_step_and_those_after_it_from_nothing(log, capsys):
    log(1, 2, 3)
    assert log(1, 9, 3) == fresh('b', 'c')
    assert capsys.readouterr().out.count('settings changed') == 2
    assert log(1, 2, 3) == fresh('b', 'c')  # going back is a change too


def test_an_interrupted_step_finds_what_it_left_behind(log):
    assert log(1, 2, 3, broken='b') == [*fresh('a', 'b'), 'interrupted']
    assert log(1, 2, 3) == [('b', True), ('c', False)]


def test_an_interrupted_step_with_other_settings_starts_from_nothing(log):
    log(1, 2, 3, broken='b')
    assert log(1, 7, 3) == fresh('b', 'c')


def test_a_lost_result_is_made_again_and_what_rests_on_it(log, tmp_path):
    log(1, 2, 3)
    (tmp_path / 'b.txt').unlink()
    assert log(1, 2, 3) == [('b', True), ('c', False)]


def test_json_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / 'x.json'
    steps.write_json(path, dict(a=1))
    circular = []
    circular.append(circular)
    with pytest.raises(ValueError):
        steps.write_json(path, circular)
    assert steps.read_json(path) == dict(a=1)


def progress_at(monkeypatch, speed):
    """The estimate after half of the first of two steps of 100 s, on a machine that many times slower."""
    now = [0.0]
    monkeypatch.setattr(steps.time, 'monotonic', lambda: now[0])
    progress = Progress([100, 100])
    progress.begin(100)
    now[0] = 50 * speed
    return progress._time_left(0.5)


def test_time_left_follows_the_speed(monkeypatch):
    assert progress_at(monkeypatch, 1) == duration(150) == 'about 2 min'
    slow = progress_at(monkeypatch, 10)
    assert 15 <= int(slow.split()[1]) <= 25  # 1500 s at the speed measured, a little less trusted


def command(code):
    return [sys.executable, '-uc', code]


def test_iterations_reach_the_progress_and_everything_the_log(tmp_path):
    seen = []

    class Recorder:
        def update(self, done, total):
            seen.append((done, total))

    code = 'print("Iter(train) [ 50/200] loss: 1\\nhello\\nIter(train) [200/200]")'
    run_command(command(code), dict(os.environ), tmp_path / 'logs' / 'x.log', Recorder())
    assert seen == [(50, 200), (200, 200)]
    assert 'hello' in (tmp_path / 'logs' / 'x.log').read_text()


@pytest.mark.parametrize(
    ('code', 'reason'),
    [
        ('import sys; print("Error: no such folder"); print("later"); sys.exit(2)', 'no such folder'),
        ('raise RuntimeError("out of luck")', 'RuntimeError: out of luck'),
        ('import os; os.kill(os.getpid(), 9)', 'signal 9'),
    ],
)
def test_a_failed_command_says_why_and_where_to_read_more(tmp_path, code, reason):
    with pytest.raises(StepFailed) as error:
        run_command(command(code), dict(os.environ), tmp_path / 'x.log', Progress([1]))
    assert reason in str(error.value) and 'x.log' in str(error.value)
    assert 'later' not in str(error.value)


def test_interrupting_leaves_no_process_behind(tmp_path):
    pid_file = tmp_path / 'pid'
    child = f'import os, time; open({str(pid_file)!r}, "w").write(str(os.getpid())); time.sleep(600)'
    code = (
        'import os, pathlib, sys\nfrom mmagic_mikd.apps.quickstart.steps import Progress, run_command\n'
        f'run_command([sys.executable, "-c", {child!r}], dict(os.environ), '
        f'pathlib.Path({str(tmp_path / "x.log")!r}), Progress([1]))'
    )
    parent = subprocess.Popen(command(code), stderr=subprocess.DEVNULL)
    while not pid_file.exists() or not pid_file.read_text():
        time.sleep(0.05)
    parent.send_signal(signal.SIGINT)
    assert parent.wait(30) != 0
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
