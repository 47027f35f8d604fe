"""The critic's learning rate follows the toolbox's own schedules, also across a resumed run."""

import copy

import families
import pytest
from mmengine.config import ConfigDict

from mmagic_mikd.utils.errors import ConfigError

WARM_UP = dict(type='LinearLR', start_factor=0.1, begin=0, end=4, by_epoch=False)
STEPS = dict(type='MultiStepLR', milestones=[4, 5], gamma=0.1, by_epoch=False)
RATE = 1e-4


def scheduled(work_dir, schedule, iters: int = 6):
    cfg = families.edsr(work_dir, iters=iters)
    cfg.default_hooks.distill.objectives.mi.learner.param_scheduler = schedule
    cfg.default_hooks.distill.objectives.mi.chain.steps = 1
    return cfg


def rates(runner) -> list[float]:
    return families.scalars(runner)['mi_learner_lr'].tolist()


def expected(iteration: int) -> float:
    """Ten times up in a line through iterations 0 to 3, then down by ten at 4 and again at 5."""
    rate = RATE * (0.1 + 0.9 * min(iteration, 3) / 3)
    return rate * 0.1 ** ((iteration >= 4) + (iteration >= 5))


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    cfg = scheduled(tmp_path_factory.mktemp('schedule'), [WARM_UP, STEPS])
    cfg.default_hooks.checkpoint.interval = 3
    return cfg, families.train(cfg)


def test_the_rate_of_every_iteration_is_the_closed_form(whole):
    _, runner = whole
    assert rates(runner) == pytest.approx([expected(i) for i in range(6)])


def test_the_optimiser_steps_at_that_rate(whole):
    cfg, _ = whole
    (group,) = families.load(f'{cfg.work_dir}/iter_6.pth')['mikd']['objectives']['mi']['optim_wrapper'][
        'param_groups'
    ]
    assert group['initial_lr'] == RATE and group['lr'] == pytest.approx(expected(6))


def test_the_students_rate_is_its_own(whole):
    cfg, runner = whole
    assert set(families.scalars(runner)['lr']) == {cfg.optim_wrapper.optimizer.lr}


def test_a_resumed_run_goes_on_in_the_schedule(whole):
    cfg, runner = whole
    cfg = copy.deepcopy(cfg)
    cfg.work_dir += '/resumed'
    cfg.resume, cfg.load_from = True, f'{whole[0].work_dir}/iter_3.pth'
    assert rates(families.train(cfg)) == pytest.approx(rates(runner))


def test_a_resumed_run_must_have_the_same_schedulers(whole, tmp_path):
    cfg, _ = whole
    cfg = copy.deepcopy(cfg)
    cfg.resume, cfg.load_from = True, f'{cfg.work_dir}/iter_6.pth'
    cfg.work_dir, cfg.train_cfg.max_iters = str(tmp_path), 7
    cfg.default_hooks.distill.objectives.mi.learner.param_scheduler = WARM_UP
    with pytest.raises(
        ConfigError,
        match=r'distill\.objectives\.mi\.learner\.param_scheduler has 1 schedulers.*checkpoint.* 2;',
    ):
        families.train(cfg)


def test_without_a_schedule_nothing_is_logged_or_changed(tmp_path):
    runner = families.train(scheduled(tmp_path, None, iters=1))
    assert 'mi_learner_lr' not in families.scalars(runner)


def test_a_schedule_by_epoch_moves_at_the_end_of_an_epoch(tmp_path):
    cfg = scheduled(tmp_path, dict(type='ExponentialLR', gamma=0.5))
    cfg.train_cfg = ConfigDict(by_epoch=True, max_epochs=3)
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=3)
    cfg.train_dataloader.sampler = dict(type='DefaultSampler', shuffle=False)
    cfg.train_dataloader.dataset.indices = 4  # two iterations of two
    runner = families.train(cfg)
    assert rates(runner) == pytest.approx([RATE * 0.5**epoch for epoch in (0, 0, 1, 1, 2, 2)])


@pytest.mark.parametrize(
    ('schedule', 'reason'),
    [
        (dict(type='NoSuchLR', by_epoch=False), 'NoSuchLR'),
        (dict(type='LinearLR', start_facto=0.1, by_epoch=False), 'start_facto'),
        (dict(type='LinearLR', begin=5, end=2, by_epoch=False), 'end should be larger'),
        (['LinearLR'], 'dict'),
        (dict(type='LinearLR', start_factor=0.1), 'by_epoch=False'),
        (dict(type='ReduceOnPlateauLR', monitor='PSNR'), 'validation score'),
    ],
)
def test_a_schedule_that_cannot_work_is_refused_by_name(tmp_path, schedule, reason):
    with pytest.raises(
        ConfigError, match=r'^default_hooks\.distill\.objectives\.mi\.learner\.param_scheduler'
    ) as error:
        families.train(scheduled(tmp_path, schedule))
    assert reason in str(error.value) and '\n' not in str(error.value)
