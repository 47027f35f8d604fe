"""tools/train.py, tools/test.py and dist_train.sh on tiny networks, as a user calls them."""

import json
import os
import sys
from importlib import import_module

import pytest
import torch
from places import ROOT, TOOLS
from processes import free_port
from tiny_quickstart import TINY, TINY_TEACHER

from mmagic_mikd.apps.quickstart.configs import config_texts
from mmagic_mikd.apps.quickstart.pairs import make_pairs

ARGUMENTS = ROOT / 'mikd' / 'arguments'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """The quickstart's configs for 32 px and two iterations, in a folder with a space in its name."""
    folder = tmp_path_factory.mktemp('tools') / 'my work'
    made = make_pairs(folder / 'data', size=32, train=1, test=1)
    texts = config_texts(made, folder / 'teacher.pth', 32, 2, 0, 'BtoA', None)
    for name, text in texts.items():
        (folder / f'{name}.py').write_text(text)
    return folder


@pytest.fixture
def call(monkeypatch, capsys):
    """main() of a tool in this process: call('train', arguments) returns the exit code and stderr."""

    def call(tool, *arguments):
        monkeypatch.setattr(sys, 'argv', [f'{tool}.py', *map(str, arguments)])
        monkeypatch.setenv('LOCAL_RANK', '0')
        with pytest.raises(SystemExit) as stop:
            import_module(f'mmagic_mikd.apps.launch.{tool}').main()
        return stop.value.code, capsys.readouterr().err

    return call


def one_sentence(result, *parts):
    code, err = result
    sentences = [line for line in err.splitlines() if line.startswith('Error: ')]
    assert code == 2 and len(sentences) == 1 and 'Traceback' not in err
    for part in parts:
        assert part in sentences[0]


def test_a_missing_config(call):
    one_sentence(call('train', 'no/such.py'), 'no config file no/such.py')


def test_a_config_of_a_toolbox_that_is_not_installed(call):
    one_sentence(call('train', 'mmnothing::a/b.py'), 'mmnothing', 'not installed')


def test_a_config_that_cannot_be_read(call, tmp_path):
    broken = tmp_path / 'broken.py'
    for text in ('a = (', "_base_ = './gone.py'"):
        broken.write_text(text)
        one_sentence(call('train', broken), 'broken.py cannot be read')


def test_cfg_options_that_do_not_fit(call, folder):
    result = call('train', folder / 'teacher.py', '--cfg-options', 'randomness.seed=1', 'metrics.x.y=1')
    one_sentence(result, '--cfg-options metrics.x.y does not fit', 'teacher.py')


def test_distil_refuses_a_config_that_does_not(call, folder):
    one_sentence(call('distil', folder / 'teacher.py'), 'teacher.py does not distil', 'mikd train')


def test_distil_trains_one_that_does(call, folder, monkeypatch):
    started = []
    monkeypatch.setattr('mmengine.runner.Runner.from_cfg', lambda cfg: started.append(cfg) or sys.exit(0))
    assert call('distil', folder / 'student_distilled.py', '--resume')[0] == 0
    assert started[0].resume and started[0].default_hooks.distill.type == 'DistillRunner'


@pytest.mark.parametrize('tool', ['train', 'test'])
def test_missing_data(call, folder, tool):
    arguments = [folder / 'teacher.py'] + ['x.pth'] * (tool == 'test')
    result = call(tool, *arguments, '--cfg-options', f'{tool}_dataloader.dataset.data_root=no/data')
    one_sentence(result, f'{tool}_dataloader.dataset.data_root=no/data', 'set it to')


def test_a_missing_checkpoint(call, folder):
    one_sentence(call('test', folder / 'teacher.py', 'no.pth'), 'checkpoint=no.pth does not exist')
    result = call('train', folder / 'teacher.py', '--cfg-options', 'load_from=no.pth')
    one_sentence(result, 'load_from=no.pth does not exist')


def test_auto_scale_lr_needs_a_base(call, folder):
    one_sentence(call('train', folder / 'teacher.py', '--auto-scale-lr'), 'auto_scale_lr.base_batch_size')


@pytest.mark.parametrize(
    ('arguments', 'precision'),
    [
        (['--amp'], 'absent'),
        (['--amp-dtype', 'bfloat16'], 'bfloat16'),
        (['--amp', '--amp-dtype=float16'], 'float16'),
    ],
)
def test_amp_reaches_every_optimiser(call, folder, monkeypatch, arguments, precision):
    started = []
    monkeypatch.setattr('mmengine.runner.Runner.from_cfg', lambda cfg: started.append(cfg) or sys.exit(0))
    # the flag before the config, which an option with a value would swallow
    assert call('train', *arguments, folder / 'teacher.py')[0] == 0
    for network in ('generators', 'discriminators'):
        wrapper = started[0].optim_wrapper[network]
        assert (wrapper.type, wrapper.get('dtype', 'absent')) == ('AmpOptimWrapper', precision)


def test_a_bad_value_deep_in_the_hook(call, folder, tmp_path):
    arguments = ['--work-dir', tmp_path, '--cfg-options', *TINY, TINY_TEACHER]
    result = call('train', folder / 'student_distilled.py', *arguments)
    one_sentence(result, 'default_hooks.distill.teacher.checkpoint', 'does not exist')


def test_other_errors_keep_their_traceback(call, folder, tmp_path, monkeypatch):
    from mmengine.runner import Runner

    def broken(self):
        raise ValueError('a bug')

    monkeypatch.setattr(Runner, 'train', broken)
    with pytest.raises(ValueError, match='a bug'):
        call('train', folder / 'teacher.py', '--work-dir', tmp_path)


def test_configs_of_the_toolbox_by_name():
    from mmagic_mikd.apps.launch.launch import read_config

    cfg = read_config('mmagic::pix2pix/pix2pix_vanilla-unet-bn_1xb1-80kiters_facades.py')
    assert cfg.model.type == 'Pix2Pix'


@pytest.mark.parametrize(
    ('argument', 'in_file', 'expected'),
    [('cli', 'file', 'cli'), (None, 'file', 'file'), (None, None, './work_dirs/my.config')],
)
def test_the_work_dir_is_the_argument_then_the_file_then_the_name(
    tmp_path, monkeypatch, argument, in_file, expected
):
    from mikd.arguments.train import parse_args
    from mmagic_mikd.apps.launch.launch import load_config

    monkeypatch.setenv('LOCAL_RANK', '0')
    path = tmp_path / 'my.config.py'
    path.write_text(f'work_dir = {in_file!r}\n')
    arguments = [str(path)] + (['--work-dir', argument] if argument else [])
    cfg = load_config(parse_args(arguments))
    assert cfg.work_dir == expected


def test_the_arguments_are_those_of_the_toolbox():
    """Every option of MMagic's own scripts exists in ours, in the same order of positions."""
    import mmagic

    theirs = os.path.join(os.path.dirname(mmagic.__file__), '.mim', 'tools')
    for tool in ('train', 'test'):
        ours = ''.join((ARGUMENTS / f'{name}.py').read_text() for name in (tool, 'toolbox'))
        with open(os.path.join(theirs, f'{tool}.py')) as file:
            wanted = [line.split("'")[1] for line in file if "add_argument('" in line]
        assert wanted and [name for name in wanted if f"'{name}'" not in ours] == []


@pytest.fixture(scope='module')
def trained(run, folder):
    """A tiny teacher by tools/train.py; also what the students below learn from."""
    command = [sys.executable, TOOLS / 'train.py', folder / 'teacher.py', '--work-dir', folder / 'w']
    done = run(*command, '--cfg-options', *TINY)
    assert done.returncode == 0, done.stderr[-2000:]
    state = torch.load(folder / 'w' / 'iter_2.pth', weights_only=False)
    torch.save(dict(state_dict=state['state_dict']), folder / 'teacher.pth')
    return folder / 'w' / 'iter_2.pth'


@pytest.mark.slow
def test_train_then_resume_then_test(run, folder, trained):
    train = [sys.executable, TOOLS / 'train.py', folder / 'teacher.py', '--work-dir', folder / 'w']
    more = run(*train, '--resume', '--cfg-options', *TINY, 'train_cfg.max_iters=3')
    assert more.returncode == 0, more.stderr[-2000:]
    assert 'resumed epoch: 0, iter: 2' in more.stdout + more.stderr
    assert (folder / 'w' / 'iter_3.pth').is_file()

    scores, record = folder / 'scores.json', (folder / 'w' / 'teacher.py').read_text()
    test = [sys.executable, TOOLS / 'test.py', folder / 'teacher.py', trained, '--out', scores]
    done = run(*test, '--work-dir', folder / 'w', '--cfg-options', *TINY, afresh=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (folder / 'w' / 'teacher.py').read_text() == record  # of the training, with its `load_from`
    metrics = json.loads(scores.read_text())
    assert 0 < metrics['target/l1'] < 1 and metrics['target/psnr'] > 0


@pytest.mark.slow
def test_the_launchers_with_two_processes_and_no_gpu(run, folder, trained):
    """dist_train.sh distils, dist_test.sh scores the result; both as the README says."""
    config, work = folder / 'student_distilled.py', folder / 'dist'
    options = ['--cfg-options', *TINY, TINY_TEACHER]
    here = dict(MIKD_VENV=sys.prefix, PORT=free_port())
    done = run(TOOLS / 'dist_train.sh', config, 2, '--work-dir', work, *options, afresh=True, **here)
    assert done.returncode == 0, done.stderr[-2000:]
    checkpoint = work / 'iter_2.pth'
    scores = folder / 'dist.json'
    test = [TOOLS / 'dist_test.sh', config, checkpoint, 2, '--work-dir', work, '--out', scores]
    metrics = 'test_evaluator.metrics.1.teacher.model.generator.base_channels=2'
    done = run(*test, *options, metrics, **here)
    assert done.returncode == 0, done.stderr[-2000:]
    assert {'target/psnr', 'teacher/psnr'} <= json.loads(scores.read_text()).keys()
