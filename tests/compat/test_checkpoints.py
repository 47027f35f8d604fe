"""Checkpoints: written as a whole, kept until there is a newer one, looked at before use; they run nothing."""

import os
import shutil
import socket
import sys
from pathlib import Path

import compat_runs
import forked
import pytest
import torch
from mmengine.fileio import LocalBackend
from mmengine.hooks import CheckpointHook
from mmengine.logging import MessageHub, MMLogger
from mmengine.runner import find_latest_checkpoint
from mmengine.runner.checkpoint import CheckpointLoader, _load_checkpoint
from places import TOOLS

from mmagic_mikd.compat import atomic_save
from mmagic_mikd.utils.errors import ConfigError


def save(path: Path, **content) -> Path:
    torch.save(dict(meta=dict(iter=1), **content), path)
    return path


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(b'storage of the weights')] ^= 1
    path.write_bytes(content)


# ---- written as a whole ---------------------------------------------------------------------------


def test_a_failed_write_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / 'iter_1.pth'
    LocalBackend().put(b'old', path)

    def full(file, content):
        file.write(content[:2])
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(atomic_save, 'write', full)
    with pytest.raises(ConfigError, match=r'iter_1.pth cannot be written \(No space left on device\)'):
        LocalBackend().put(b'new', path)
    assert os.listdir(tmp_path) == ['iter_1.pth'] and path.read_bytes() == b'old'


def test_an_interrupted_write_leaves_what_was_there(tmp_path):
    path = tmp_path / 'last_checkpoint'
    path.write_text('iter_1.pth')
    with pytest.raises(KeyboardInterrupt), atomic_save.open_whole(path, 'w') as file:
        file.write('iter_')
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == ['last_checkpoint'] and path.read_text() == 'iter_1.pth'


def test_a_write_replaces_the_file_a_link_points_to_and_leftovers(tmp_path):
    (tmp_path / 'link').symlink_to(tmp_path / 'there')
    (tmp_path / 'there.tmp').write_bytes(b'left by a killed process, and longer')
    LocalBackend().put(b'new', tmp_path / 'link')
    assert sorted(os.listdir(tmp_path)) == ['link', 'there'] and (tmp_path / 'link').is_symlink()
    assert (tmp_path / 'there').read_bytes() == b'new'


def test_a_write_goes_to_the_disk_before_the_name_does(tmp_path, monkeypatch):
    events = []
    stock = dict(fsync=os.fsync, replace=os.replace)
    for name in stock:
        monkeypatch.setattr(os, name, lambda *args, name=name: (events.append(name), stock[name](*args)))
    LocalBackend().put(b'new', tmp_path / 'file')
    assert events == ['fsync', 'replace', 'fsync']


# ---- kept until there is a newer one --------------------------------------------------------------


class FakeRunner:
    """As much of a runner as `CheckpointHook` needs; notes what is there while a checkpoint is written."""

    def __init__(self, folder):
        self.work_dir, self.logger = str(folder), MMLogger.get_current_instance()
        self.message_hub = MessageHub(str(folder))
        self.iter, self.epoch, self.seen = 0, 0, []

    def save_checkpoint(self, folder, filename, *args, **kwargs):
        self.seen.append(sorted(name for name in os.listdir(folder) if name.endswith('.pth')))
        (Path(folder) / filename).touch()


@pytest.fixture
def hook_and_runner(tmp_path):
    hook = CheckpointHook(1, by_epoch=False, max_keep_ckpts=1, save_best='score', rule='greater')
    runner = FakeRunner(tmp_path)
    hook.before_train(runner)
    return hook, runner


def test_the_old_one_is_there_while_the_new_one_is_written(hook_and_runner, tmp_path):
    hook, runner = hook_and_runner
    for runner.iter in range(3):
        hook._save_checkpoint(runner)
    assert runner.seen == [[], ['iter_1.pth'], ['iter_2.pth']]
    assert sorted(os.listdir(tmp_path)) == ['iter_3.pth', 'last_checkpoint']


def test_so_is_the_best_one_also_where_an_evaluation_is_repeated(hook_and_runner, tmp_path):
    hook, runner = hook_and_runner
    for runner.iter, score in ((1, 1.0), (2, 2.0), (2, 3.0)):
        hook._save_best_checkpoint(runner, dict(score=score))
    first, second = 'best_score_iter_1.pth', 'best_score_iter_2.pth'
    assert runner.seen == [[], [first], [second]]
    assert os.listdir(tmp_path) == [second]


def test_a_copied_run_leaves_the_best_one_of_the_original_alone(tmp_path):
    old, new = tmp_path / 'old', tmp_path / 'new'
    old.mkdir()
    hook, runner = CheckpointHook(1, by_epoch=False, save_best='score', rule='greater'), FakeRunner(old)
    hook.before_train(runner)
    hook._save_best_checkpoint(runner, dict(score=1.0))
    shutil.copytree(old, new)
    runner.work_dir, runner.iter = str(new), 5
    hook = CheckpointHook(1, by_epoch=False, save_best='score', rule='greater')
    hook.before_train(runner)
    hook._save_best_checkpoint(runner, dict(score=2.0))
    assert os.listdir(new) == ['best_score_iter_5.pth']
    assert len(os.listdir(old)) == 1


# ---- looked at before use -------------------------------------------------------------------------


@pytest.fixture
def work_dir(tmp_path):
    """Checkpoints of iterations 2, 4 and 10, the last one recorded."""
    for number, step in enumerate((2, 4, 10)):
        path = save(tmp_path / f'iter_{step}.pth', text='storage of the weights')
        os.utime(path, (number, number))
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'iter_10.pth'))
    os.utime(tmp_path / 'last_checkpoint', (3, 3))
    return tmp_path


@pytest.fixture
def warnings(monkeypatch):
    import mmengine.logging

    said = []
    monkeypatch.setattr(mmengine.logging, 'print_log', lambda text, *args, **kwargs: said.append(text))
    return said


def test_the_recorded_one_is_taken_where_it_is_whole(work_dir, warnings):
    assert find_latest_checkpoint(str(work_dir)) == str(work_dir / 'iter_10.pth')
    assert warnings == []


@pytest.mark.parametrize(
    ('harm', 'reason'),
    [(truncate, 'truncated or damaged'), (flip_a_bit, 'damaged'), (os.remove, 'missing')],
)
def test_a_broken_one_is_passed_over_and_both_are_named(work_dir, warnings, harm, reason):
    harm(work_dir / 'iter_10.pth')
    assert find_latest_checkpoint(str(work_dir)) == str(work_dir / 'iter_4.pth')
    assert warnings == [f'{work_dir}/iter_10.pth is {reason}: resuming from {work_dir}/iter_4.pth']


@pytest.mark.parametrize(('written', 'expected'), [(3, 'iter_12.pth'), (1, 'iter_10.pth')])
def test_one_that_was_written_just_before_the_kill_is_found_one_of_an_older_run_is_not(
    work_dir, written, expected
):
    os.utime(save(work_dir / 'iter_12.pth'), (written, written))
    assert find_latest_checkpoint(str(work_dir)) == str(work_dir / expected)
    # if it is the run's last one, nothing else would ever record it
    assert (work_dir / 'last_checkpoint').read_text() == str(work_dir / expected)


@pytest.mark.parametrize('record', [None, '', 'moved/elsewhere/iter_10.pth'])
def test_a_record_that_is_lost_empty_or_of_the_old_place_of_a_moved_folder(work_dir, record):
    path = work_dir / 'last_checkpoint'
    path.unlink() if record is None else path.write_text(record)
    assert find_latest_checkpoint(str(work_dir)) == str(work_dir / 'iter_10.pth')


@pytest.mark.parametrize('lost', [False, True])
def test_a_folder_that_was_renamed_or_copied_resumes_from_what_is_in_it(work_dir, tmp_path_factory, lost):
    """Also where its newest checkpoint is gone; the old place is nobody's business."""
    new = tmp_path_factory.mktemp('new') / 'name'
    (shutil.move if lost else shutil.copytree)(work_dir, new)
    if lost:
        (new / 'iter_10.pth').unlink()
    assert find_latest_checkpoint(str(new)) == str(new / ('iter_4.pth' if lost else 'iter_10.pth'))


@pytest.mark.parametrize(
    'record',
    [b'http://127.0.0.1:9/iter_99.pth', b'garbage', b'a\0b', b'\xff\xfe', b'/etc', b'no/such/', b'../x.pth'],
)
def test_garbage_in_the_record_hides_nothing_and_connects_nowhere(work_dir, record, monkeypatch):
    monkeypatch.setattr(socket.socket, 'connect', lambda *args: pytest.fail('it connects'))
    (work_dir / 'last_checkpoint').write_bytes(record)
    assert find_latest_checkpoint(str(work_dir)) == str(work_dir / 'iter_10.pth')


def test_nothing_whole_left_is_said_and_a_new_run_starts_where_there_is_nothing(work_dir, tmp_path):
    (work_dir / 'iter_12.pth.tmp').write_bytes(b'half')
    for path in work_dir.glob('iter_*.pth'):
        truncate(path)
    before = {path: path.read_bytes() for path in work_dir.iterdir()}
    with pytest.raises(ConfigError, match=r'iter_10.pth is truncated.*iter_4.pth is.*no checkpoint left'):
        find_latest_checkpoint(str(work_dir))
    assert before == {path: path.read_bytes() for path in work_dir.iterdir()}
    (tmp_path / 'new').mkdir()
    assert find_latest_checkpoint(str(tmp_path / 'new')) is None


def test_where_only_the_best_one_is_left_it_says_so(tmp_path):
    save(tmp_path / 'best_score_iter_3.pth')
    with pytest.raises(ConfigError, match=r'holds only best_score_iter_3.pth.*load_from'):
        find_latest_checkpoint(str(tmp_path))


# ---- and runs nothing -----------------------------------------------------------------------------


class Payload:
    """Unpickles into a call that leaves a file."""

    def __init__(self, trace):
        self.trace = str(trace)

    def __reduce__(self):
        return os.mkdir, (self.trace,)


def test_a_payload_is_refused_in_a_sentence_and_does_not_run(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')  # with which torch itself would run it
    path = save(tmp_path / 'iter_1.pth', state=Payload(tmp_path / 'trace'))
    with pytest.raises(
        ConfigError, match=r'iter_1.pth is refused: .* \(posix.mkdir\), and loading that could run code'
    ):
        CheckpointLoader.load_checkpoint(str(path))
    assert not (tmp_path / 'trace').exists()
    torch.load(path)  # it would have
    assert (tmp_path / 'trace').exists()


def test_a_damaged_or_absent_one_is_a_sentence(tmp_path):
    path = save(tmp_path / 'iter_1.pth')
    truncate(path)
    with pytest.raises(ConfigError, match=r'iter_1.pth is truncated or damaged'):
        _load_checkpoint(str(path))
    with pytest.raises(ConfigError, match=r'iter_2.pth does not exist'):
        _load_checkpoint(str(tmp_path / 'iter_2.pth'))


@pytest.mark.parametrize('share', [0.5, 0.9, 0.99])
def test_one_that_was_cut_anywhere_is_a_sentence(tmp_path, share):
    """torch raises another error wherever the cut is, an OSError of the system among them."""
    path = save(tmp_path / 'iter_1.pth', state_dict={str(i): torch.rand(100, 100) for i in range(40)})
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ConfigError, match=r'iter_1.pth is truncated or damaged; use a file'):
        _load_checkpoint(str(path))


def test_what_was_downloaded_is_not_run_either(tmp_path, monkeypatch):
    """torch.hub unpickles anything; a file in its cache stands for a download."""
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    (tmp_path / 'checkpoints').mkdir()
    save(tmp_path / 'checkpoints' / 'iter_1.pth', state=Payload(tmp_path / 'trace'))
    with pytest.raises(ConfigError, match=r'http://nowhere/iter_1.pth'):
        _load_checkpoint('http://nowhere/iter_1.pth')
    assert not (tmp_path / 'trace').exists()


def test_the_config_in_a_checkpoint_is_not_executed(tmp_path):
    """`Runner.resume` would; a run that goes on shows that it did not."""
    from mmagic.utils import register_all_modules
    from mmengine.runner import Runner

    register_all_modules()
    cfg = compat_runs.config('pix2pix', tmp_path, iters=1)
    Runner.from_cfg(cfg).train()
    path = tmp_path / 'work' / 'iter_1.pth'
    content = torch.load(path, weights_only=True)
    content['meta']['config'] = f'import os\nos.mkdir({str(tmp_path / "trace")!r})\n'
    torch.save(content, path)
    cfg.merge_from_dict(dict(resume=True, train_cfg=dict(max_iters=2)))
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert runner.iter == 2 and not (tmp_path / 'trace').exists()


@pytest.mark.slow
def test_train_py_refuses_a_payload(tmp_path):
    """As a user calls it: one sentence, exit code 2, nothing run."""
    cfg = compat_runs.config('pix2pix', tmp_path, iters=1)
    work, config = tmp_path / 'work', tmp_path / 'config.py'
    config.write_text('\n'.join(f'{key} = {value!r}' for key, value in cfg.to_dict().items()))
    work.mkdir()
    save(work / 'iter_1.pth', state=Payload(tmp_path / 'trace'))
    (work / 'last_checkpoint').write_text(str(work / 'iter_1.pth'))
    command = [sys.executable, f'{TOOLS}/train.py', str(config), '--work-dir', str(work), '--resume']
    env = {**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': ''}
    done = forked.run(command, tmp_path, env, timeout=120)
    errors = [line for line in done.stderr.splitlines() if line.startswith('Error: ')]
    assert done.returncode == 2 and len(errors) == 1 and 'Traceback' not in done.stderr
    assert 'iter_1.pth is refused: it holds more than tensors' in errors[0]
    assert not (tmp_path / 'trace').exists()


# ---- on several processes -------------------------------------------------------------------------


def test_networks_wrapped_one_by_one_keep_their_names(monkeypatch):
    """What `MMSeparateDistributedDataParallel` leaves: a model whose networks are wrapped."""
    from mmengine.model import MMDistributedDataParallel
    from mmengine.runner.checkpoint import load_state_dict

    class Wrapper(MMDistributedDataParallel):
        def __init__(self, module):
            torch.nn.Module.__init__(self)
            self.module = module

    def model():
        return torch.nn.ModuleDict(dict(generator=torch.nn.Linear(1, 1)))

    plain, wrapped = model(), torch.nn.ModuleDict(dict(generator=Wrapper(torch.nn.Linear(1, 1))))
    saved = wrapped.state_dict()
    assert list(saved) == ['generator.weight', 'generator.bias']
    load_state_dict(plain, saved, strict=True)
    assert torch.equal(plain['generator'].weight, wrapped['generator'].module.weight)
    for load in (load_state_dict, lambda module, state, strict: module.load_state_dict(state, strict)):
        fresh = torch.nn.ModuleDict(dict(generator=Wrapper(torch.nn.Linear(1, 1))))
        load(fresh, saved, strict=True)
        assert torch.equal(fresh['generator'].module.weight, plain['generator'].weight)
