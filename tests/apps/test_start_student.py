"""A student at its start, as a plain checkpoint."""

import pytest
import torch
from families import edsr, load, stylegan2
from mmengine.registry import MODELS, DefaultScope

from mmagic_mikd.apps.builder.start_student import write_start
from mmagic_mikd.utils.errors import ConfigError


def written(cfg, folder, start):
    cfg.default_hooks.distill.start = start
    write_start(cfg, folder / 'start.pth')
    return load(folder / 'start.pth')['state_dict']


def test_the_file_is_a_plain_checkpoint_of_the_started_student(tmp_path):
    cfg = edsr(tmp_path / 'run')
    model = cfg.model.copy()
    state = written(cfg, tmp_path, dict(type='pruned', criterion='l1', batches=1))
    with DefaultScope.overwrite_default_scope('mmagic'):
        MODELS.build(model).load_state_dict(state, strict=True)
    teacher = load(tmp_path / 'run' / 'teacher.pth')['state_dict']
    name = 'generator.conv_first.weight'
    assert state[name].shape[0] < teacher[name].shape[0]
    rows = teacher[name].flatten(1)
    assert all((row == rows).all(1).any() for row in state[name].flatten(1))
    assert not list((tmp_path / 'run').glob('iter_*'))


def test_averaged_weights_are_those_of_the_started_student(tmp_path):
    cfg = stylegan2(tmp_path / 'run', widths=(16, 8))
    state = written(cfg, tmp_path, dict(type='pruned', batches=1))
    for name, weight in state.items():
        if name.startswith('generator.'):
            assert torch.equal(weight, state[f'generator_ema.module.{name.removeprefix("generator.")}'])


def test_no_file_is_overwritten(tmp_path):
    cfg = edsr(tmp_path / 'run')
    cfg.default_hooks.distill.start = dict(type='pruned', batches=1)
    teacher = tmp_path / 'run' / 'teacher.pth'
    before = teacher.read_bytes()
    with pytest.raises(ConfigError, match=r'--out .*teacher.pth exists; remove it or choose another name'):
        write_start(cfg, teacher)
    assert teacher.read_bytes() == before


@pytest.mark.parametrize(('start', 'sentence'), [({}, 'start is missing'), ('refitted', 'first iteration')])
def test_a_config_without_a_start_before_training_is_refused(tmp_path, start, sentence):
    with pytest.raises(ConfigError, match=sentence):
        written(edsr(tmp_path / 'run'), tmp_path, start)
