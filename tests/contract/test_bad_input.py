"""Every bad input ends in one sentence that names the key or the file and the remedy, and costs nobody work."""

import errno
import os
import shutil

import pytest
import torch
from bad_input_cases import CASES
from bad_input_catalogue import DOCUMENT, meet, row, rows_of, sentences
from bad_input_online import online
from bad_input_world import World, run_tool

from mmagic_mikd.apps.launch.lock import locked
from mmagic_mikd.apps.launch.safeguards import Safeguards
from mmagic_mikd.utils.errors import ConfigError


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """In an empty folder, as one process, with a user's environment."""
    monkeypatch.chdir(tmp_path)
    for name in ('RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT', 'MIKD_TRACEBACK'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv('LOCAL_RANK', '0')
    return tmp_path


def documented() -> list[str]:
    return rows_of(DOCUMENT.read_text()) if DOCUMENT.is_file() else []


@pytest.mark.parametrize('case', CASES, ids=lambda case: case.name.replace(' ', '-'))
def test_one_sentence(case, alone):
    code, stderr, kept = meet(case, alone)
    assert code == 2 and kept
    assert len(sentences(stderr)) == 1 and 'Traceback' not in stderr, stderr
    (sentence,) = sentences(stderr)
    assert case.names in sentence and case.remedy in sentence
    assert len(sentence) < 400 + len(str(alone))
    assert not (alone / 'pwned').exists()  # what the payloads would leave
    assert row(case, sentence, alone) in documented(), 'run python tests/support/bad_input_catalogue.py'


def test_the_table_has_these_rows_and_no_others():
    assert len(CASES) == len({case.name for case in CASES}) == len(documented()) >= 40


def run(world: World, changes=None, *arguments):
    config = world.config(changes or {})
    return run_tool('train', [config.name, *arguments])


def test_the_config_without_a_change_trains(alone):
    """Else every case might fail for another reason than its own."""
    world = World(alone)
    assert run(world) == (0, '')
    assert (alone / 'work' / 'iter_2.pth').is_file()


OUT_DIR = 'default_hooks.checkpoint.out_dir'


def test_checkpoints_of_another_run_are_not_overwritten(alone):
    """`out_dir` brings two runs of one name together; a run alone may be repeated, resumed, and moved."""
    world = World(alone)
    elsewhere, short = {OUT_DIR: 'made', 'log_level': 'INFO'}, ('--cfg-options', 'train_cfg.max_iters=4')
    assert run(world, elsewhere) == run(world, elsewhere) == (0, '')
    assert run(world, elsewhere, '--resume', *short) == (0, '')
    log = next(alone.glob('work/*/*.log'))
    assert f'Logs go to work, checkpoints to made/work ({OUT_DIR})' in log.read_text()
    before = world.snapshot()
    code, said = run(world, elsewhere, '--work-dir', 'a/work')
    assert (
        code == 2 and 'into made/work, where those of another run' in said and f'set {OUT_DIR}=None' in said
    )
    assert run(world, elsewhere, '--work-dir', 'a/work', '--resume') == (code, said)
    assert world.snapshot() == before
    load_from = dict(elsewhere, load_from='made/work/iter_4.pth')
    assert run(world, load_from, '--work-dir', 'a/work', '--resume', *short) == (0, '')
    assert run(world, elsewhere, '--work-dir', 'a/other') == (0, '')


def test_a_folder_of_checkpoints_that_is_in_use_is_refused(alone):
    world = World(alone)
    with locked(OUT_DIR, 'made/work'):
        code, said = run(world, {OUT_DIR: 'made'})
    assert code == 2 and f'{OUT_DIR}=made/work is in use by another training' in said
    assert not (alone / 'made').exists() and run(world, {OUT_DIR: 'made'}) == (0, '')


@pytest.mark.parametrize(
    ('interval', 'says'),
    [(1, 'go on from work/iter_1.pth with --resume'), (9, 'no checkpoint has been saved')],
)
def test_an_interrupted_training_says_how_to_go_on(alone, monkeypatch, interval, says):
    def interrupt(self, runner, *args, **kwargs):
        if runner.iter == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(Safeguards, 'before_train_iter', interrupt)
    changes = {'default_hooks.checkpoint.interval': interval, 'train_cfg.max_iters': 5}
    code, said = run(World(alone), changes)
    assert (
        code == 130
        and said.splitlines()[-1].startswith('Stopped at iteration 1; ')
        and 'Traceback' not in said
    )
    assert says.replace('work/', f'{alone}/work/') in said


def test_a_distillation_that_is_none_is_left_out(alone):
    """As the toolbox does it with hooks of its own."""
    world = World(alone)
    assert run(world, {'default_hooks.distill': None}) == (0, '')
    assert 'mikd' not in torch.load(alone / 'work' / 'iter_2.pth', weights_only=False)


@pytest.mark.parametrize('channels', [1, 4])
def test_grey_and_transparent_pictures_are_no_bad_input(alone, channels):
    """The toolbox makes three channels of them."""
    world = World(alone)
    for index in range(4):
        world.picture(f'data/small/{index}.png', 8, channels)
        world.picture(f'data/large/{index}.png', 16, channels)
    assert run(world) == (0, '')


@pytest.mark.parametrize('number', [errno.EACCES, errno.EROFS, errno.EDQUOT])
def test_a_place_that_cannot_be_written(alone, monkeypatch, number):
    """Root may write everywhere, so the system's answer is put in its mouth."""
    world = World(alone)

    def refuse(path, *args, **kwargs):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr('mmengine.runner.runner.mmengine.mkdir_or_exist', refuse)
    code, stderr = run(world)
    assert code == 2 and stderr.count('\n') == 1
    assert str(alone / 'work') in stderr and os.strerror(number) in stderr


def test_a_missing_partition_names_the_work_dir(alone, monkeypatch):
    """Not every error of the system tells its file."""
    world = World(alone)

    def full(self):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr('mmengine.runner.Runner.dump_config', full)
    code, stderr = run(world)
    assert code == 2 and 'work_dir=work: No space left on device; free some space' in stderr


def test_with_mikd_traceback_everything_is_shown(alone, monkeypatch):
    world = World(alone)
    monkeypatch.setenv('MIKD_TRACEBACK', '1')
    with pytest.raises(ConfigError):
        run(world, {'default_hooks.distill.teacher': None})


@pytest.mark.parametrize('error', [AttributeError('a bug'), ValueError('a bug'), OSError('a bug')])
def test_bugs_keep_their_traceback(alone, monkeypatch, error):
    world = World(alone)

    def broken(*args, **kwargs):
        raise error

    monkeypatch.setattr('mmagic_mikd.MIDistillLoss.critic_loss', broken)
    with pytest.raises(type(error), match='a bug'):
        run(world)


def test_what_was_finished_stays_when_a_picture_breaks_in_the_middle(alone):
    world = World(alone)
    assert run(world)[0] == 0
    first = (alone / 'work' / 'iter_2.pth').read_bytes()
    world.write('data/small/3.png', 'no picture')
    code, stderr = run(world, {'train_cfg.max_iters': 6}, '--resume')
    assert code == 2 and 'data/small/3.png' in stderr
    assert (alone / 'work' / 'iter_2.pth').read_bytes() == first
    shutil.rmtree(alone / 'work')


def test_online_teachers_without_a_change_train(alone):
    case = online('nothing', '', '', {})
    code, stderr, kept = meet(case, alone)
    assert (code, stderr, kept) == (0, '', True)
    assert 'teacher_generators.wide' in ' '.join(
        torch.load(alone / 'work' / 'iter_2.pth', weights_only=True)['state_dict']
    )
