"""Weights that a user loads are those that the student's training starts with, whatever `start` says."""

import pytest
import torch
from bad_input_world import World, model, run_tool

START, FIRST = 'default_hooks.distill.start', 'generator.conv_first.weight'


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('LOCAL_RANK', '0')
    for name in ('RANK', 'MIKD_TRACEBACK'):
        monkeypatch.delenv(name, raising=False)
    return World(tmp_path)


def weights(world: World, name: str) -> dict:
    return torch.load(world.root / name, weights_only=True)['state_dict']


def after_one_step(world: World, **changes) -> dict:
    """Weights after an iteration at a learning rate of zero."""
    still = {'train_cfg.max_iters': 1, 'optim_wrapper.optimizer.lr': 0.0, 'log_level': 'INFO'}
    changes = {'default_hooks.checkpoint.interval': 1, 'experiment_name': world.root.name, **changes}
    code, stderr = run_tool('train', [world.config({**still, **changes}).name, '--work-dir', 'new'])
    assert code == 0, stderr
    return weights(world, 'new/iter_1.pth')


def log(world: World) -> str:
    return ''.join(path.read_text() for path in (world.root / 'new').rglob('*.log'))


def loaded(world: World) -> dict:
    """A student's checkpoint, of other weights than the teacher's first channels."""
    world.save('start.pth', model(4))
    content = torch.load(world.root / 'start.pth', weights_only=True)
    content['state_dict'] = {key: value + 0.5 for key, value in content['state_dict'].items()}
    torch.save(content, world.root / 'start.pth')
    return content['state_dict']


@pytest.mark.parametrize('start', ['sliced', {'': 'sliced'}, {'conv_first': 'sliced'}])
def test_loaded_weights_stay_and_the_log_says_so(world, start):
    expected = loaded(world)
    after = after_one_step(world, **{'load_from': 'start.pth', START: start})
    assert all(torch.equal(after[key], expected[key]) for key in expected)
    said = [line for line in log(world).splitlines() if 'stay as load_from=start.pth has them' in line]
    assert len(said) == 1 and 'default_hooks.distill.start' in said[0]


def test_what_the_file_does_not_hold_starts_as_it_would(world):
    """As with a teacher's file, given for its discriminator: the generator of it does not fit the student."""
    after = after_one_step(world, **{'load_from': 'teacher.pth', START: 'sliced'})
    assert torch.equal(after[FIRST], weights(world, 'teacher.pth')[FIRST][:4])


def test_without_a_file_the_start_is_as_before(world):
    after = after_one_step(world, **{START: 'sliced'})
    assert torch.equal(after[FIRST], weights(world, 'teacher.pth')[FIRST][:4])
    assert 'load_from=' not in log(world).partition('Distilling')[2]


def test_a_layer_that_is_shared_may_be_loaded_as_it_is_in_the_teacher(world):
    teacher = {key: value for key, value in weights(world, 'teacher.pth').items() if 'conv_last' in key}
    torch.save(dict(state_dict=teacher), world.root / 'start.pth')
    changes = {'model.generator.mid_channels': 8, START: dict(conv_last='shared')}
    after = after_one_step(world, load_from='start.pth', **changes)
    assert all(torch.equal(after[key], teacher[key]) for key in teacher)
