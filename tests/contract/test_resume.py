"""A resumed run ends as the uninterrupted one: every bit of its last checkpoint, which holds all there is."""

import copy
import os

import families
import pytest
import torch
from families import load, train
from interruption import difference, elsewhere, end, finish, kill, newest, output, resume, start
from mmagic.engine.runner import MultiValLoop
from processes import free_port
from resumable import BASES, cyclegan, every, pix2pix

from mmagic_mikd.utils.errors import ConfigError


def gap(cfg, tmp_path, checkpoint='iter_2.pth'):
    """What a run from a checkpoint to the end leaves different from the whole run."""
    whole = finish(cfg)
    again = elsewhere(cfg, checkpoint, tmp_path / 'again')
    return difference(whole, finish(again)), output(again)


@pytest.mark.parametrize(
    ('family', 'workers'),
    [('pix2pix', 0), ('cyclegan', 2), ('stylegan2', 0), ('edsr', 2), ('srgan', 0), ('cagc', 0)],
)
def test_every_family_resumes_bit_for_bit(tmp_path, family, workers):
    cfg = every(BASES[family](tmp_path / 'whole', 4), 2)
    cfg.train_dataloader.num_workers = workers
    where, log = gap(cfg, tmp_path)
    assert where is None and 'not exact' not in log
    assert len(load(tmp_path / 'whole' / 'iter_2.pth')['mikd']['run']['ranks']) == 1


def test_the_difference_is_found():
    a = dict(x=[torch.zeros(2), 1.0], y='a/iter_2.pth')
    assert difference(a, dict(x=[torch.zeros(2), 1.0], y='b/iter_2.pth')) is None
    assert difference(a, dict(a, x=[torch.ones(2), 1.0])) == '.x.0'
    assert difference(a, dict(a, x=[torch.zeros(2), 2.0])) == '.x.1: 1.0 and 2.0'
    assert difference(a, dict(x=a['x'])) == ": ['y']"


def test_without_a_seed_the_data_comes_in_the_interrupted_runs_order(tmp_path):
    """MMagic's default: the toolbox draws a seed, and gives a resumed run's data loader another one."""
    cfg = every(pix2pix(tmp_path / 'whole'), 2)
    cfg.randomness.seed = None
    cfg.train_dataloader.num_workers = 1
    assert gap(cfg, tmp_path)[0] is None


def test_between_two_accumulated_gradients(tmp_path):
    cfg = every(pix2pix(tmp_path / 'whole', iters=6), 3)
    for name in ('generators', 'discriminators'):
        cfg.optim_wrapper[name].accumulative_counts = 2
    cfg.default_hooks.distill.objectives.mi.learner['accumulative_counts'] = 2
    assert gap(cfg, tmp_path, 'iter_3.pth')[0] is None
    assert load(tmp_path / 'whole' / 'iter_3.pth')['mikd']['run']['ranks'][0]['gradients']


def test_from_before_the_first_update_of_the_generator(tmp_path):
    """What is built with its first batch has not begun there; it is not missing."""
    cfg = every(pix2pix(tmp_path / 'whole'), 2)
    cfg.model.disc_init_steps = 3
    mi = cfg.default_hooks.distill.objectives.mi
    mi.critic.pop('image_size')
    mi.learner.param_scheduler = dict(type='MultiStepLR', milestones=[2], gamma=0.1, by_epoch=False)
    assert gap(cfg, tmp_path)[0] is None
    first, last = (load(tmp_path / 'whole' / f'iter_{i}.pth')['mikd']['objectives']['mi'] for i in (2, 4))
    assert first == dict(built=None) and last['built']
    assert last['optim_wrapper']['param_groups'][0]['lr'] == pytest.approx(
        1e-5
    )  # of iteration 2, before it began


def evaluated(cfg, *hooks):
    """Every two iterations, on four photographs; the best by PSNR is kept. This evaluation draws: dropout."""
    cfg = every(cfg, 2, save_best='target/psnr', rule='greater')
    cfg.train_cfg.val_interval = 2
    cfg.val_cfg = dict(type='MultiValLoop')
    cfg.val_dataloader = copy.deepcopy(cfg.train_dataloader)
    cfg.val_dataloader.sampler = dict(type='DefaultSampler', shuffle=False)
    cfg.val_dataloader.num_batch_per_epoch = 2
    metric = dict(type='PairedImageQuality', fake_key='fake_photo', real_key='img_photo')
    cfg.val_evaluator = dict(
        type='Evaluator',
        metrics=[metric],
    )
    cfg.custom_hooks = list(hooks)
    return cfg


@pytest.mark.parametrize('hooks', [(), (dict(type='SeededEvaluation'),)])
def test_with_an_evaluation_in_between(tmp_path, hooks):
    """From a checkpoint written before its evaluation, and from one that the best score rewrote after it."""
    cfg = evaluated(pix2pix(tmp_path / 'whole'), *hooks)
    whole = finish(cfg)
    assert load(tmp_path / 'whole' / 'iter_2.pth')['mikd']['run'][
        'evaluated'
    ]  # the first score is the best so far
    again = elsewhere(cfg, 'iter_2.pth', tmp_path / 'after')
    assert difference(whole, finish(again)) is None and 'repeating it' not in output(again)

    injured = copy.deepcopy(cfg)
    injured.work_dir, injured.log_level = str(tmp_path / 'before'), 'INFO'
    assert end(start(injured, kill_in_evaluation)) == -9
    assert not load(tmp_path / 'before' / 'iter_2.pth')['mikd']['run']['evaluated']
    assert difference(whole, finish(resume(injured))) is None and 'repeating it' in output(injured)


def kill_in_evaluation():
    MultiValLoop.run_iter = lambda *args: kill()


def test_a_loop_over_epochs(tmp_path):
    cfg = pix2pix(tmp_path / 'whole')
    cfg.train_cfg = dict(by_epoch=True, max_epochs=3)
    cfg.train_dataloader.sampler = dict(type='DefaultSampler', shuffle=True)
    cfg.train_dataloader.num_batch_per_epoch = 2
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=1, by_epoch=True)
    where, log = gap(cfg, tmp_path, 'epoch_1.pth')
    assert where is None and 'not exact' not in log


@pytest.mark.parametrize(('workers', 'checkpoint'), [(0, 'iter_3.pth'), (2, 'iter_3.pth'), (0, 'iter_4.pth')])
def test_from_within_an_epoch(tmp_path, workers, checkpoint):
    """Two epochs of four batches: the batches that are used are not used again."""
    cfg = evaluated(pix2pix(tmp_path / 'whole'))
    cfg.train_cfg = dict(by_epoch=True, max_epochs=2, val_interval=1)
    cfg.train_dataloader.sampler = dict(type='DefaultSampler', shuffle=True)
    cfg.train_dataloader.num_batch_per_epoch, cfg.train_dataloader.num_workers = 4, workers
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=1, by_epoch=False)
    where, log = gap(cfg, tmp_path, checkpoint)
    assert where is None and 'not exact' not in log and 'repeating it' not in log


def two_processes(cfg, *iterations):
    cfg = copy.deepcopy(cfg)
    cfg.launcher = 'pytorch'
    address = dict(WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=str(free_port()))
    ranks = [start(cfg, None, RANK=str(rank), LOCAL_RANK=str(rank), **address) for rank in range(2)]
    assert [end(pid) for pid in ranks] == [0, 0], output(cfg)[-3000:]
    return newest(cfg)


@pytest.mark.slow
def test_two_processes_each_with_its_own_draws(tmp_path):
    cfg = every(cyclegan(tmp_path / 'whole'), 2)
    cfg.randomness.diff_rank_seed = True
    whole = two_processes(cfg)
    again = elsewhere(cfg, 'iter_2.pth', tmp_path / 'again')
    assert difference(whole, two_processes(again)) is None
    first, second = whole['mikd']['run']['ranks']
    assert difference(first['random'], second['random']) and difference(first['pools'], second['pools'])
    alone = elsewhere(cfg, 'iter_2.pth', tmp_path / 'alone')
    finish(alone)
    assert 'not exact: the checkpoint has the random states of 2 processes' in output(alone)


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    cfg = every(families.pix2pix(tmp_path_factory.mktemp('trained'), 2), 2)
    finish(cfg)
    return cfg


def refused(cfg, tmp_path, change, **options):
    cfg = elsewhere(cfg, 'iter_2.pth', tmp_path / 'again')
    cfg.merge_from_dict(options)
    if change is not None:
        content = load(tmp_path / 'again' / 'iter_2.pth')
        change(content)
        torch.save(content, tmp_path / 'again' / 'iter_2.pth')
    before = sorted(os.listdir(cfg.work_dir))
    with pytest.raises(ConfigError) as error:
        train(cfg)
    left = [name for name in sorted(os.listdir(cfg.work_dir)) if name.endswith(('.pth', '.tmp'))]
    assert left == [name for name in before if name.endswith('.pth')]
    return str(error.value)


def test_another_model_is_refused(tmp_path, trained):
    sentence = refused(trained, tmp_path, None, **{'model.generator.base_channels': 3})
    assert 'is of another model (' in sentence and 'again' in sentence
    assert ') there and is (' in sentence


def test_another_critic_is_refused(tmp_path, trained):
    key = 'default_hooks.distill.objectives.mi.critic'
    assert f'another {key}' in refused(trained, tmp_path, None, **{f'{key}.base_channels': 3})


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda content: content.pop('mikd'), 'holds no critic'),
        (lambda content: content['mikd'].update(version=99), 'version 1 to 3'),
        (lambda content: content.pop('optimizer'), 'no state of the optimisers, as best_'),
        (lambda content: content.pop('message_hub'), 'no state of the optimisers, as best_'),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(tmp_path, trained, change, message):
    assert message in refused(trained, tmp_path, change)


def meta(**changes):
    return lambda content: content['meta'].update(changes)


def nothing_in(key, value=None):
    return lambda content: content.update({key: value})


GARBAGE = [
    (nothing_in('mikd'), '`mikd`, what the distillation has learned, is None'),
    (nothing_in('mikd', [1]), '`mikd`'),
    (lambda content: content['mikd'].update(objectives=3), "a damaged part 'mikd'"),
    (lambda content: content['mikd'].update(run='x'), "a damaged part 'mikd'"),
    (lambda content: content['mikd'].update(guard={'base': 1}), "a damaged part 'mikd'"),
    (lambda content: content['mikd']['objectives'].update(mi=None), "a damaged part 'mikd'"),
    (nothing_in('meta', 'x'), "`meta` is 'x'"),
    (meta(iter='2'), "`meta.iter` is '2'"),
    (meta(iter=-1), '`meta.iter` is -1'),
    (meta(epoch=None), '`meta.epoch` is None'),
    (meta(seed='x'), "`meta.seed` is 'x'"),
    (meta(iter=10**9), 'meta.iter), more than train_cfg.max_iters=2: raise max_iters'),
    (nothing_in('message_hub', 7), '`message_hub` is 7'),
    (nothing_in('message_hub'), '`message_hub` is None'),
    (nothing_in('message_hub', dict(log_scalars={})), '`message_hub` is'),
    (lambda content: content['message_hub']['runtime_info'].update(keep_ckpt_ids='x'), 'keep_ckpt_ids'),
    (nothing_in('optimizer', 'x'), "`optimizer` is 'x'"),
    (
        lambda content: content['optimizer'].update(generators=[]),
        'that of optim_wrapper.generators (it is no',
    ),
    (lambda content: content['optimizer']['generators'].update(param_groups=[{}]), 'it is of 0 parameters'),
]


@pytest.mark.parametrize(('change', 'message'), GARBAGE)
def test_garbage_in_a_checkpoint_is_one_sentence(tmp_path, trained, change, message):
    """And neither a fresh critic nor a loop that draws a thousand million batches."""
    assert message in refused(trained, tmp_path, change)


@pytest.mark.parametrize(
    ('key', 'named'),
    [
        ('optim_wrapper.generators', 'optim_wrapper.generators (it has'),
        ('default_hooks.distill.objectives.mi.learner', 'objectives.mi.learner (it has'),
    ],
)
def test_another_type_of_optimiser_is_refused(tmp_path, trained, key, named):
    """torch would take the numbers of Adam for SGD, and fail at the next step."""
    cfg = {f'{key}.optimizer': dict(type='SGD', lr=0.1, _delete_=True)}
    sentence = refused(trained, tmp_path, None, **cfg)
    assert named in sentence and 'which SGD does not know' in sentence
