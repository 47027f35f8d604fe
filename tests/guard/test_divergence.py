"""The guard against divergence: what it sees, what it does, and what it never does to a healthy run."""

import copy
import json
import math
import sys

import families
import guard_faults  # noqa: F401  registers the faults
import pytest
import torch
from distributed_run import SCRIPT
from families import equal, evaluate, hook_of, load, scalars, train, without_distillation
from learners import learner_of
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, MODELS
from processes import run as run_command
from processes import write
from torch import nn

from mmagic_mikd import DistillRunner, langevin
from mmagic_mikd.engine.settings import keys_of
from mmagic_mikd.guard import DEFAULTS, DivergenceGuard, divergence
from mmagic_mikd.guard.standing import SNAPSHOT_EVERY
from mmagic_mikd.guard.symptoms import SYMPTOMS
from mmagic_mikd.host.learner import step_together
from mmagic_mikd.objectives import MIDistillLoss
from mmagic_mikd.objectives.objective import Chain, Objective, Place
from mmagic_mikd.utils.errors import ConfigError

FLOOR = MIDistillLoss(energy_l2=0.05).critic_floor
IMAGE = torch.zeros(2, 3, 8, 8)
TRUE = torch.tensor(True)


def number(value):
    return torch.tensor(float(value))


class Learned(Objective):
    """An objective that guards the tests: a critic that learns in one line."""

    waits, title, learned, step_size = True, 'mutual information', 'the critic', 100.0

    def __init__(self):
        super().__init__('mi', dict(generator=nn.Linear(2, 1)), Place(), weight=5.0, keys=keys_of('mi'))


def chain(start=IMAGE, end=IMAGE, loss=1.0, energies=(1.0, 1.0)):
    energies = tuple(map(number, energies))
    return dict(generator=Chain(start, end, end.clamp(-1, 1), energies, number(loss), FLOOR))


def learning(guard, objective, loss=1.0, **settings):
    objective.chains = chain(loss=loss, **settings)
    guard.watch.learning(objective, number(loss))


# what shows each symptom
SHOW = dict(
    base=lambda g, o: g.watch.model(number('nan'), [IMAGE], [IMAGE]),
    teacher=lambda g, o: g.watch.model(number(1), [IMAGE], [IMAGE / 0]),
    chain=lambda g, o: learning(g, o, end=IMAGE.index_fill(3, torch.tensor([1]), math.inf)),
    learning=lambda g, o: learning(g, o, loss=math.nan),
    gradient=lambda g, o: g.watch.admits(o, number('inf'), number(1)),
    value=lambda g, o: g.watch.value(o, number('inf')),
    far=lambda g, o: learning(g, o, end=IMAGE + 2.5),
    floor=lambda g, o: learning(g, o, loss=-9.9),
    overwhelms=lambda g, o: g.watch.admits(o, number(11), number(1)),
)
WITH_CRITIC = [name for name in SHOW if name not in ('base', 'floor')]


@pytest.fixture
def said(monkeypatch):
    lines = []
    monkeypatch.setattr(divergence, 'print_log', lambda line, **kwargs: lines.append(line))
    return lines


class Bench:
    """A guard over a critic that learns in one line; each ``run`` is one iteration."""

    def __init__(self, **cfg):
        torch.manual_seed(0)
        self.objective = Learned()
        self.critic = self.objective.losses['generator']
        adam = dict(type='Adam', lr=0.1)
        self.objective.learner = learner_of(self.objective.network, optimizer=adam)
        self.guard = DivergenceGuard(cfg, [self.objective])

    @property
    def optimiser(self):
        return self.objective.learner.optim_wrapper

    def admits(self, part, rest):
        return self.guard.watch.admits(self.objective, part, rest)

    @property
    def resting(self):
        return not self.guard.lets(self.objective)

    def run(self, *symptoms):
        """Whether mutual information went on; the critic learns if so."""
        for name in symptoms:
            SHOW[name](self.guard, self.objective)
        resting = self.resting
        loss = {} if resting else {self.objective.learner: self.critic(torch.ones(1, 2)).sum()}
        step_together(loss, self.guard.signs(torch.device('cpu')), self.guard.judge)
        return not resting and self.guard.allows(self.objective)

    def state(self):
        return copy.deepcopy(
            dict(**self.critic.state_dict(), step=self.optimiser.state_dict()['state'].get(0))
        )


def same(a, b):
    return equal(*({**{k: v for k, v in x.items() if k != 'step'}, **(x['step'] or {})} for x in (a, b)))


@pytest.mark.parametrize('name', WITH_CRITIC)
@pytest.mark.parametrize('policy', ['warn', 'skip', 'restore', 'stop', None])
def test_each_symptom_under_each_policy(name, policy, said):
    trip = SYMPTOMS[name].trip
    bench = Bench(**{trip: policy})
    start = bench.state()
    assert bench.run() and bench.run()
    before = bench.state()
    goes_on = bench.run(name)
    assert goes_on == (policy in ('warn', None))
    after = bench.state()
    assert not goes_on or not same(after, before)  # the critic went on learning
    assert policy not in ('skip', 'stop') or same(after, before)
    assert policy != 'restore' or same(after, start)
    assert bool(bench.guard.stop_reason) == (policy == 'stop')
    if policy is None:
        assert not said and bench.guard.trips == 0
    else:
        assert len(said) == bench.guard.trips == 1
        assert said[0].startswith(f'distill.guard.{trip}: ') and '{' not in said[0]
        assert 'default_hooks.distill.' in said[0]


def test_a_warning_has_the_numbers_of_the_run(said):
    bench = Bench(patience=1)
    bench.run('overwhelms')
    bench.run('far')
    Bench(patience=1).run('floor')
    assert (
        '11 times that of all other losses; lower default_hooks.distill.objectives.mi.loss_weight (now 5)'
        in said[0]
    )
    assert 'carried 100% of the values' in said[1] and 'chain.step_size (now 100)' in said[1]
    assert 'floor (-9.9) for 1 iterations' in said[2] and 'optimizer.lr (now 0.1)' in said[2]


def test_the_floor_trips_only_when_it_lasts_and_is_that_of_the_loss(said):
    bench = Bench(patience=3, floor='skip')
    assert [bool(bench.run(*step)) for step in (['floor'], ['floor'], [], ['floor'], ['floor'])] == [True] * 5
    assert not bench.run('floor')
    assert len(said) == 1
    energies = torch.tensor([-1.0, 1.0]) / (2 * 0.05)  # by hand: the minimum of a - b + c (a^2 + b^2)
    loss, _ = MIDistillLoss(energy_l2=0.05).critic_loss(
        lambda t, s: energies, torch.zeros(1), torch.zeros(1), torch.zeros(1)
    )
    assert loss.item() == pytest.approx(FLOOR)
    assert MIDistillLoss(energy_l2=0).critic_floor == -math.inf


def test_trips_one_after_the_other_rest_ever_longer_and_the_log_stays_short(said):
    """Trips 1, 2, 3 ... rest for 0, 1, 3 ... iterations, so they fall on iterations 2^k - 1."""
    bench, tripped = Bench(), []
    for iteration in range(40):
        if not bench.resting:
            tripped.append(iteration)
            assert not bench.run('far')
        else:
            bench.run()
    assert tripped == [0, 1, 3, 7, 15, 31]
    assert [line.rpartition('trip ')[2] for line in said[1:]] == ['2', '4']


def test_enough_good_iterations_wipe_out_the_trips():
    bench = Bench(patience=5)
    bench.run('far')
    bench.run('far')
    bench.run()  # rests
    for _ in range(5):
        assert bench.run()
    assert not bench.run('far')
    assert not bench.resting


def test_iterations_of_rest_are_no_good_ones():
    """A rest longer than ``patience`` would wipe out the trips that it is for."""
    bench, tripped = Bench(patience=5), []
    for iteration in range(64):
        resting = bench.resting
        tripped += [] if resting else [iteration]
        bench.run(*([] if resting else ['far']))
    assert tripped == [0, 1, 3, 7, 15, 31, 63]


def test_the_last_good_state_moves_on_and_survives_a_second_fall():
    bench = Bench()
    for _ in range(SNAPSHOT_EVERY):
        good = bench.state()
        bench.run()
    for _ in range(3):
        bench.run()
    for _ in range(2):
        assert not same(bench.state(), good)
        bench.run('learning')
        assert same(bench.state(), good)
        while bench.resting or same(bench.state(), good):
            bench.run()


def test_a_restored_optimiser_keeps_its_present_rate():
    bench = Bench()
    bench.optimiser.optimizer.param_groups[0]['lr'] = 0.01  # a schedule
    bench.run('learning')
    assert bench.optimiser.optimizer.param_groups[0]['lr'] == 0.01


def test_a_white_background_and_a_far_start_are_no_fault(said):
    bench = Bench()
    learning(bench.guard, bench.objective, start=IMAGE + 1, end=IMAGE + 1.3)
    learning(bench.guard, bench.objective, start=IMAGE + 7, end=IMAGE + 7.3)  # a student not trained yet
    assert bench.run() and not said


def test_where_no_other_loss_pulls_nothing_is_overwhelmed():
    bench = Bench()
    assert bench.admits(number(1), number(0))
    assert bench.admits(number('inf'), number('inf'))  # the loss scaler's business
    assert bench.run()


def test_what_the_backward_pass_shows_is_kept_out_there_and_then():
    bench = Bench(gradient='warn', non_finite='skip')
    assert bench.admits(number(11), number(1))
    assert not bench.admits(number('nan'), number(1))
    assert not Bench().admits(number(11), number(1))
    unwatched = DivergenceGuard(None, [bench.objective]).watch
    assert unwatched.admits(bench.objective, number('nan'), number(1))


def test_a_student_that_is_not_finite_is_waited_for_and_then_given_up(said):
    bench = Bench()
    for _ in range(divergence.BASE_PATIENCE - 1):
        assert not bench.run('base')
    assert not bench.guard.stop_reason and not bench.resting
    bench.run('base')
    assert bench.guard.student_lost
    assert bench.guard.stop_reason.startswith('distill.guard.base: ')


def test_a_resumed_guard_judges_like_one_that_went_on():
    steps = [['far'], [], [], ['overwhelms'], [], ['learning'], *[[]] * 20, ['far'], []]
    for cut in (2, 5, 8):
        one, other = Bench(), Bench()
        for step in steps[:cut]:
            one.run(*step)
        SHOW['overwhelms'](one.guard, one.objective)  # waits for the next verdict
        other.guard.load_state_dict(copy.deepcopy(one.guard.state_dict()), torch.device('cpu'))
        other.objective.learner.load_state_dict(copy.deepcopy(one.objective.learner.state_dict()))
        assert [one.run(*step) for step in steps[cut:]] == [other.run(*step) for step in steps[cut:]]
        assert same(one.state(), other.state())


@pytest.mark.parametrize(
    ('cfg', 'words'),
    [
        (dict(floor='ignore'), 'guard.floor=.*choose from'),
        (dict(base='skip'), 'guard.base=.*choose from'),
        (dict(flor='warn'), 'guard has no setting .flor.: did you mean .floor.'),
        (dict(patience=0), 'guard.patience=0 must be a whole number'),
        (dict(max_gradient_ratio='10'), 'guard.max_gradient_ratio='),
        ('warn', 'guard=.*a dict or None'),
    ],
)
def test_a_wrong_setting_is_refused_by_its_key(cfg, words):
    with pytest.raises(ConfigError, match=f'default_hooks.distill.{words}'):
        DistillRunner(guard=cfg)


def test_the_chain_shows_its_end_before_the_clamp():
    ends = []
    sample = langevin(
        lambda t: -t.sum((1, 2, 3)), IMAGE, steps=2, step_size=3.0, noise_std=0, watch=ends.append
    )
    assert torch.equal(ends[0], IMAGE + 6) and torch.equal(sample, IMAGE + 1)


# ---- whole runs -------------------------------------------------------------------------------------


def prepared(family, work_dir, iters, *faults, **policies):
    cfg = getattr(families, family)(work_dir, iters=iters)
    cfg.default_hooks.distill.objectives.mi.loss_weight = 1.0
    cfg.default_hooks.distill.guard = policies
    cfg.custom_hooks = [dict(type='Fault', kind=kind, at=at) for kind, at in faults]
    return cfg


def alone(cfg):
    """The student of the plain toolbox."""
    cfg = without_distillation(cfg)
    cfg.custom_hooks = []
    return train(cfg).model.state_dict()


@pytest.mark.parametrize('family', ['pix2pix', 'edsr'])
def test_a_healthy_run_is_the_same_with_and_without_a_guard(tmp_path, family):
    watched = prepared(family, tmp_path / 'on', 3)
    unwatched = prepared(family, tmp_path / 'off', 3)
    unwatched.default_hooks.distill.guard = None
    runs = [train(watched), train(unwatched)]
    assert equal(*(run.model.state_dict() for run in runs))
    states = [load(path / 'iter_3.pth') for path in (tmp_path / 'on', tmp_path / 'off')]
    assert equal(*(state['mikd']['objectives']['mi']['network'] for state in states))
    assert scalars(runs[0]).keys() == scalars(runs[1]).keys()  # not even a new curve
    assert 'mi_grad_ratio' in scalars(runs[0])


@pytest.mark.parametrize('kind', ['teacher', 'chain', 'energies', 'gradient'])
def test_an_iteration_that_trips_is_that_of_the_plain_toolbox(tmp_path, kind):
    cfg = prepared('pix2pix', tmp_path, 2, (kind, [0, 1]), non_finite='skip')
    run = train(cfg)
    assert equal(run.model.state_dict(), alone(cfg))
    assert scalars(run)['guard_trips'][-1] >= 1


def test_an_accumulated_gradient_does_not_keep_a_fault(tmp_path):
    cfg = prepared('pix2pix', tmp_path, 2, ('energies', [0]))
    cfg.default_hooks.distill.objectives.mi.learner.accumulative_counts = 2
    train(cfg)
    critic = load(tmp_path / 'iter_2.pth')['mikd']['objectives']['mi']['optim_wrapper']['state']
    assert critic and all(state['exp_avg'].isfinite().all() for state in critic.values())


def test_a_term_does_not_look_at_a_broken_teacher(tmp_path):
    cfg = prepared('pix2pix', tmp_path, 2, ('teacher', [0, 1]))
    cfg.default_hooks.distill.objectives = dict(l1=dict(type='L1Loss'))
    run = train(cfg)
    assert equal(run.model.state_dict(), alone(cfg))
    assert scalars(run)['guard_trips'][-1] == 2


class NotFinite(torch.autograd.Function):
    """The identity, whose gradient is not finite."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * math.nan


class Broken(nn.Module):
    """An objective without parameters that is not finite, in its value or in its gradient only."""

    def __init__(self, where):
        super().__init__()
        self.where = where

    def forward(self, student, teacher):
        if self.where == 'gradient':
            student = NotFinite.apply(student)
        return (student.mean(1) - teacher.mean(1)).abs().mean() * (math.nan if self.where == 'value' else 1)


MODELS.register_module(module=Broken, force=True)


@pytest.mark.parametrize(
    ('where', 'what'), [('value', 'the objective'), ('gradient', 'the gradient of the objective')]
)
@pytest.mark.parametrize('layer', [None, 'upsample'])
def test_what_has_nothing_to_learn_is_named_at_its_first_trip_and_spoils_nothing(
    tmp_path, said, where, what, layer
):
    cfg = families.edsr(tmp_path, iters=3)
    cfg.default_hooks.distill.objectives = dict(mine=dict(type='Broken', where=where, layer=layer))
    run = train(cfg)
    assert equal(run.model.state_dict(), alone(cfg))
    assert len(said) == 1 and said[0].startswith('distill.guard.non_finite: ')
    assert f"{what} 'mine' is not finite" in said[0]
    assert 'lower default_hooks.distill.objectives.mine.loss_weight (now 1)' in said[0]


def test_stop_leaves_a_checkpoint_of_what_was_finished(tmp_path):
    cfg = prepared('pix2pix', tmp_path, 4, ('energies', [1]), non_finite='stop')
    with pytest.raises(ConfigError, match=r'distill.guard.non_finite: .*iteration 2 is in .*iter_2.pth'):
        train(cfg)
    saved = load(tmp_path / 'iter_2.pth')
    assert saved['meta']['iter'] == 2
    assert all(value.isfinite().all() for value in saved['state_dict'].values())
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path / 'iter_2.pth')
    cfg.default_hooks.distill.guard = dict(non_finite='restore')
    cfg.resume, cfg.custom_hooks = True, []
    assert train(cfg).iter == 4


def test_a_lost_student_ends_the_run_and_names_the_last_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(divergence, 'BASE_PATIENCE', 2)
    cfg = prepared('pix2pix', tmp_path, 6, ('base', [1, 2, 3, 4, 5]))
    cfg.default_hooks.checkpoint.interval = 1
    cfg.default_hooks.checkpoint.max_keep_ckpts = 5
    with pytest.raises(
        ConfigError, match=r"not the distillation's.*the last finite checkpoint is .*iter_1.pth"
    ):
        train(cfg)


@HOOKS.register_module(force=True)
class Overshoot(Hook):
    """From an iteration on, a rate at which the student, or a critic, is lost at once."""

    priority = 'VERY_HIGH'

    def __init__(self, at, value=math.inf, critic=False):
        self.at, self.value, self.critic = at, value, critic

    def after_train_iter(self, runner, *args, **kwargs):
        if runner.iter >= self.at:
            module = hook_of(runner).objectives['mi'].network if self.critic else runner.model
            with torch.no_grad():
                next(module.parameters()).fill_(self.value)

    def after_val_epoch(self, runner, metrics):
        metrics['score'] = float(runner.iter)


@pytest.mark.parametrize('critic', [False, True])
def test_the_last_finite_checkpoint_stays_and_is_named(tmp_path, critic):
    """While the guard waits, and to the end of the training."""
    cfg = prepared('edsr', tmp_path, 6)
    if critic:
        cfg.default_hooks.distill.guard = None
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=1, by_epoch=False, max_keep_ckpts=1)
    what, kept = ('what mi learns', 5) if critic else ('the model', 3)
    cfg.custom_hooks = [dict(type='Overshoot', at=kept, critic=critic)]
    with pytest.raises(
        ConfigError, match=rf'^{what} holds.*not finite.*last finite checkpoint is .*iter_{kept}.pth'
    ):
        train(cfg)
    assert [path.name for path in tmp_path.glob('iter_*.pth')] == [f'iter_{kept}.pth']
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path / f'iter_{kept}.pth')
    saved = load(tmp_path / f'iter_{kept}.pth')
    assert all(value.isfinite().all() for value in saved['state_dict'].values())


def test_the_best_checkpoint_is_finite(tmp_path):
    """A score that rises with every iteration would take each of them."""
    cfg = families.edsr(tmp_path, 4)
    cfg.default_hooks.checkpoint = dict(
        type='CheckpointHook', interval=1, by_epoch=False, save_best='score', rule='greater'
    )
    cfg.custom_hooks = [dict(type='Overshoot', at=2)]
    cfg.train_cfg.val_interval = 1
    cfg.val_cfg = dict(type='MultiValLoop')
    cfg.val_dataloader, cfg.val_evaluator = cfg.test_dataloader[0], cfg.test_evaluator[0]
    with pytest.raises(ConfigError, match='not finite'):
        train(cfg)
    assert [path.name for path in tmp_path.glob('best_*.pth')] == ['best_score_iter_2.pth']


def test_a_run_that_is_forced_to_diverge_keeps_its_student(tmp_path):
    """Step times 1000, critic's rate times 100: without a guard the student is far worse than alone."""
    cfg = families.edsr(tmp_path, iters=40)
    cfg.optim_wrapper.optimizer.lr = 2e-3
    distill = cfg.default_hooks.distill
    distill.objectives.mi.loss_weight = 1.0
    distill.objectives.mi.chain.step_size *= 1000
    distill.objectives.mi.learner.optimizer.lr *= 100
    unguarded = copy.deepcopy(cfg)
    unguarded.default_hooks.distill.guard = None
    scores = []  # PSNR on luma of three images of Set5
    for run in (without_distillation(cfg), unguarded, cfg):
        run.test_dataloader, run.test_evaluator = run.test_dataloader[0], run.test_evaluator[0]
        trained = train(run)
        scores.append(evaluate(run, tmp_path / 'iter_40.pth')['Set5/Y/PSNR'])
    print('alone, without a guard, with it: {:.2f}, {:.2f}, {:.2f} dB'.format(*scores))
    plain, diverged, guarded = scores
    assert scalars(trained)['guard_trips'][-1] > 3
    assert diverged < plain - 1
    assert guarded >= plain


@pytest.mark.slow
def test_what_one_process_sees_every_process_heeds(tmp_path):
    """A fault on one of two has the effect of the same fault on both: nobody learns, nobody drifts apart."""
    configs = []
    for rank in (1, None):
        cfg = prepared('pix2pix', tmp_path / f'rank {rank}', 3, chain='restore')
        cfg.custom_hooks = [dict(type='Fault', kind='chain', at=[0, 1, 2], rank=rank)]
        cfg.custom_imports.imports.append('guard_faults')
        configs.append(write(cfg))
    launcher = [sys.executable, '-m', 'torch.distributed.run', '--nproc_per_node=2', '--standalone']
    run_command([*launcher, SCRIPT, *configs])
    (first, second), (both, _) = ([load(c.with_name(f'rank{r}.pth')) for r in range(2)] for c in configs)
    assert equal(first['model'], second['model']) and equal(first['model'], both['model'])
    for other in (second, both):
        assert equal(first['critics']['weights'], other['critics']['weights'])
    log = next(configs[0].parent.glob('*/vis_data/scalars.json')).read_text().splitlines()
    assert [json.loads(line)['guard_trips'] for line in log] == [1, 2, 2]  # the third iteration rests


def test_the_defaults_are_on():
    assert hook_guard(DistillRunner()) == hook_guard(DistillRunner(guard={})) == DEFAULTS


def hook_guard(hook):
    return {**hook.guard._policies, **hook.guard._limits}


def test_one_setting_can_be_changed_alone(tmp_path):
    cfg = families.pix2pix(tmp_path, iters=1)
    cfg.merge_from_dict({'default_hooks.distill.guard.floor': 'stop'})
    assert hook_guard(hook_of(train(cfg))) == {**DEFAULTS, 'floor': 'stop'}
