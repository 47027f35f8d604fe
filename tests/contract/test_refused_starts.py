"""A start that is refused leaves the work_dir as it was; a training that has begun leaves its log."""

import pytest
from bad_input_catalogue import sentences
from bad_input_world import World, model, run_tool

DISTILL = 'default_hooks.distill'


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('LOCAL_RANK', '0')
    for name in ('RANK', 'MIKD_TRACEBACK'):
        monkeypatch.delenv(name, raising=False)
    return World(tmp_path)


def refused(world, tool='train', *arguments, **changes):
    config = world.config({'experiment_name': world.root.name, 'work_dir': 'new/work', **changes})
    before = world.snapshot()
    code, stderr = run_tool(tool, [config.name, *arguments])
    assert code == 2 and len(sentences(stderr)) == 1, stderr
    return before, world.snapshot()


@pytest.mark.parametrize(
    'changes',
    [
        {'model.generator.type': 'EDSRNett'},  # while the runner is built
        {f'{DISTILL}.teacher.checkpoint': 'gone.pth'},  # before the training
        {'train_dataloader.dataset.pipeline.3.gt_patch_size': 64},  # in the first iteration
    ],
)
@pytest.mark.parametrize('work_dir', ['new/work', 'work', '.'])
def test_nothing_is_left(world, changes, work_dir):
    """Neither folders nor, in place of what an earlier run has dumped or of the user's own config, another."""
    world.write('work/student.py', 'that of an earlier run')
    before, after = refused(world, work_dir=work_dir, **changes)
    assert before == after


def test_nor_is_by_an_evaluation(world):
    world.save('other.pth', model(6))
    before, after = refused(world, 'test', 'other.pth')
    assert before == after


def test_what_somebody_else_puts_there_meanwhile_stays(world, monkeypatch):
    def pick(runner):
        (world.root / 'new/work/notes.txt').write_text('mine')

    monkeypatch.setattr('mmagic_mikd.apps.launch.safeguards.Safeguards.before_train', lambda self, r: pick(r))
    before, after = refused(world, **{f'{DISTILL}.teacher.checkpoint': 'gone.pth'})
    assert after.keys() - before.keys() == {'new', 'new/work', 'new/work/notes.txt'}


def test_a_training_that_ends_later_keeps_its_log(world):
    """Of pictures in batches of two, the third is loaded for the second iteration."""
    world.write('data/list.txt', ''.join(f'{index}.png\n' for index in range(4)))
    world.write('data/small/2.png', 'no picture')
    changes = {'default_hooks.checkpoint.interval': 1, 'train_dataloader.dataset.ann_file': 'list.txt'}
    before, after = refused(world, **changes)
    made = after.keys() - before.keys()
    assert {'new/work/iter_1.pth', 'new/work/student.py'} <= made
    assert any(name.endswith('.log') for name in made) and before.items() <= after.items()


def test_a_bug_keeps_its_log(world, monkeypatch):
    def broken(*args, **kwargs):
        raise AttributeError('a bug')

    monkeypatch.setattr('mmagic_mikd.apps.launch.safeguards.Safeguards.before_train', broken)
    with pytest.raises(AttributeError, match='a bug'):
        run_tool('train', [world.config({'work_dir': 'new/work'}).name])
    assert list((world.root / 'new/work').rglob('*.log'))
