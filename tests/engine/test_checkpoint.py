"""Checkpoints of every version resume; version 2, in which the critic stands apart from the terms, exactly.

``downgraded`` writes a state as the code of commit 3b77bf5 did. Real checkpoints of that code were resumed by
this one, once: MI with VID, pyramid and L1 in any mix, gradients pending. They ended bit for bit where the old
code's uninterrupted runs end.
"""

import copy
from pathlib import Path

import pytest
import torch
from families import load, train
from interruption import difference, elsewhere
from objective_rows import base_config, distilled

from mmagic_mikd.engine.checkpoint import upgraded
from mmagic_mikd.utils.errors import ConfigError

TWICE = dict(accumulative_counts=2)
ADAM = dict(optimizer=dict(type='Adam', lr=0.01), **TWICE)
OLD = dict(  # the spelling of the runs that left such checkpoints
    objectives=None,
    loss=dict(type='MIDistillLoss', loss_weight=1.0),
    critic=dict(type='EnergyCritic', base_channels=2, image_size=32),
    sampler=dict(steps=2),
    optim_wrapper=dict(optimizer=dict(type='Adam', lr=1e-3), **TWICE),
    param_scheduler=dict(type='LinearLR', start_factor=1.0, end_factor=0.1, begin=0, end=6, by_epoch=False),
    terms=dict(
        vid=dict(type='VIDLoss', initial_variance=0.1, optim_wrapper=ADAM),
        pyramid=dict(type='PyramidLaplaceLoss', optim_wrapper=ADAM),
        l1=dict(type='L1Loss'),
    ),
)


def renamed(name: str) -> str:
    """Of an accumulated gradient, as version 2 had it."""
    owner, _, rest = name.partition('.')
    if owner == 'mi':
        return f'critics.{rest}'
    return name if owner == 'model' else f'terms.{owner}.{rest.removeprefix("losses.")}'


def downgraded(state: dict) -> dict:
    """Our part of a checkpoint of version 3, as version 2 had it."""
    objectives, guard = copy.deepcopy(state['objectives']), state['guard']
    mi = objectives.pop('mi')
    terms = {
        name: dict(
            losses={key.removeprefix('losses.'): value for key, value in own['network'].items()},
            optim_wrapper=own['optim_wrapper'],
            inner_count=own['inner_count'],
        )
        for name, own in objectives.items()
    }
    signs = {f'mi_{k}' if k == 'gradient' else k: v for k, v in guard['signs']['mi'].items() if k != 'value'}
    old_guard = dict(
        state=dict(guard['standings']['mi'], base=guard['base']),
        counts=guard['counts'],
        signs=dict(signs, term=torch.zeros(2)),
        snapshot=dict(critics=mi['good']['network'], gathered=mi['good']['gathered']),
    )
    run = copy.deepcopy(state['run'])
    for rank in run['ranks']:
        rank['gradients'] = {renamed(name): gradient for name, gradient in rank['gradients'].items()}
    parts = {name: mi[name] for name in ('optim_wrapper', 'inner_count', 'param_schedulers')}
    return dict(version=2, run=run, terms=terms, critics=mi['network'], guard=old_guard, **parts)


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """An uninterrupted run of six iterations, with a checkpoint between two accumulated gradients."""
    folder = tmp_path_factory.mktemp('whole')
    base = base_config('pix2pix', folder, iters=6)
    cfg = distilled(base, folder, **OLD)
    cfg.optim_wrapper.generators.update(TWICE)
    cfg.default_hooks.checkpoint.interval = 3
    train(cfg)
    return cfg


def resumed(cfg, folder: Path, state: dict) -> tuple[dict, dict]:
    """What a run leaves that resumes from this state, and what the uninterrupted one left."""
    again = elsewhere(cfg, 'iter_3.pth', folder)
    content = load(folder / 'iter_3.pth')
    content['mikd'] = state
    torch.save(content, folder / 'iter_3.pth')
    train(again)
    return load(folder / 'iter_6.pth'), load(f'{cfg.work_dir}/iter_6.pth')


def of_version_2(mikd: dict) -> dict:
    """What the old version knew: no last good state, standing or sizes of terms."""
    objectives = {name: dict(own) for name, own in mikd['objectives'].items()}
    for name, own in objectives.items():
        for key in ('built', *(('good', 'param_schedulers') if name != 'mi' else ())):
            own.pop(key, None)
    return dict(run=mikd['run'], objectives=objectives, mi=mikd['guard']['standings']['mi'])


def test_the_mapping_is_that_of_the_old_code(whole):
    state = load(f'{whole.work_dir}/iter_3.pth')['mikd']
    assert state['version'] == 3 and list(state['objectives']) == ['mi', 'vid', 'pyramid']
    pending = state['run']['ranks'][0]['gradients']
    assert {name.partition('.')[0] for name in pending} == {'model', 'mi', 'vid', 'pyramid'}
    old = downgraded(state)
    assert {'critics.generators_photo.head.bias', 'terms.vid.generators_photo.alpha'} <= set(
        old['run']['ranks'][0]['gradients']
    )
    assert difference(of_version_2(upgraded(old)), of_version_2(state)) is None


def test_version_3_resumes_bit_for_bit(whole, tmp_path):
    state = load(f'{whole.work_dir}/iter_3.pth')['mikd']
    assert difference(*resumed(whole, tmp_path / 'again', state)) is None


def test_version_2_resumes_bit_for_bit(whole, tmp_path):
    state = downgraded(load(f'{whole.work_dir}/iter_3.pth')['mikd'])
    again, expected = resumed(whole, tmp_path / 'again', state)
    assert again['mikd']['version'] == 3
    again['mikd'], expected['mikd'] = of_version_2(again['mikd']), of_version_2(expected['mikd'])
    assert difference(again, expected) is None


def test_version_1_goes_on_with_what_was_learned(whole, tmp_path, capsys):
    """It lacks the state of the run, and with it whatever was accumulated."""
    state = downgraded(load(f'{whole.work_dir}/iter_3.pth')['mikd'])
    del state['run']
    again, _ = resumed(whole, tmp_path / 'again', dict(state, version=1))
    assert again['mikd']['objectives']['vid']['optim_wrapper']['state'][0]['step'] == 3
    printed = capsys.readouterr()
    assert 'This resume is not exact' in printed.out + printed.err


def test_a_critic_that_waits_for_the_first_batch_gets_the_depth_of_the_old_one(whole, tmp_path):
    """In version 2 no size was saved: the number of blocks tells the depth."""
    state = downgraded(load(f'{whole.work_dir}/iter_3.pth')['mikd'])
    cfg = copy.deepcopy(whole)
    del cfg.default_hooks.distill.critic['image_size']  # the batch has 64 px, for which it would be deeper
    again, expected = resumed(cfg, tmp_path / 'again', state)
    networks = [each['mikd']['objectives']['mi']['network'] for each in (again, expected)]
    assert difference(*networks) is None


def test_an_unknown_version_is_refused(whole, tmp_path):
    state = load(f'{whole.work_dir}/iter_3.pth')['mikd']
    with pytest.raises(ConfigError, match='version 1 to 3'):
        resumed(whole, tmp_path / 'again', dict(state, version=99))


def test_what_the_checkpoint_has_not_trained_is_named(whole, tmp_path):
    state = downgraded(load(f'{whole.work_dir}/iter_3.pth')['mikd'])
    del state['terms']['vid']
    with pytest.raises(ConfigError, match=r'has not trained default_hooks.distill.terms.vid; start from it'):
        resumed(whole, tmp_path / 'again', state)
