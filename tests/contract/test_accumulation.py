"""Gradient accumulation and clipping: of the student with all its losses, and of the critic by its own."""

import copy
from itertools import pairwise

import families
import pytest
import torch
from families import hook_of
from learners import learner_of, step
from mmengine.config import ConfigDict
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmagic_mikd import EnergyCritic, MIDistillLoss
from mmagic_mikd.host import learner
from mmagic_mikd.utils.errors import ConfigError


class Watch(Hook):
    """The data of each iteration, and the weights of student and critic after it."""

    priority = 'LOWEST'

    def __init__(self, fixed_critic: bool = False) -> None:
        self.fixed_critic = fixed_critic

    def before_train(self, runner):
        self.inputs, self.students, self.critics = [], [self.weights(runner.model)], []
        if self.fixed_critic:  # a power iteration in every call would make the critic of each batch another
            hook_of(runner).objectives['mi'].critics.eval()

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.inputs += data_batch['inputs']

    def after_train_iter(self, runner, *args, **kwargs):
        self.students.append(self.weights(runner.model))
        self.critics.append(self.weights(hook_of(runner).objectives['mi'].critics))

    def weights(self, model) -> torch.Tensor:
        return torch.cat([p.detach().flatten().clone() for p in model.parameters()])


def edsr(work_dir, iters: int, batch_size: int, **student):
    """Plain gradient descent for the student, strong mutual information, no noise in the chain."""
    cfg = families.edsr(work_dir, iters=iters, batch_size=batch_size)
    cfg.optim_wrapper = ConfigDict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1), **student)
    cfg.param_scheduler = None
    distill = cfg.default_hooks.distill
    distill.objectives.mi.loss_weight = 10.0
    distill.objectives.mi.chain.update(steps=1, noise_std=0.0)
    return cfg


def watched(cfg, **kwargs) -> tuple[Runner, Watch]:
    runner, watch = Runner.from_cfg(copy.deepcopy(cfg)), Watch(**kwargs)
    runner.register_hook(watch)
    runner.train()
    return runner, watch


# ---- the student ------------------------------------------------------------------------------------


def test_two_half_batches_move_the_student_as_the_whole_batch(tmp_path):
    """With a critic that stands still: else the second half would meet one that has learnt from the first."""
    whole = edsr(tmp_path / 'whole', iters=1, batch_size=4)
    halves = edsr(tmp_path / 'halves', iters=2, batch_size=2, accumulative_counts=2)
    moves = {}
    for name, cfg in dict(whole=whole, halves=halves).items():
        cfg.default_hooks.distill.objectives.mi.learner = dict(optimizer=dict(type='SGD', lr=0.0))
        runner, watch = watched(cfg, fixed_critic=True)
        moves[name] = watch.students[-1] - watch.students[0], torch.stack(watch.inputs)
        assert families.scalars(runner)['mi_grad_ratio'].min() > 0.5  # so that it would be missed
    assert torch.equal(moves['whole'][1], moves['halves'][1])
    error = (moves['whole'][0] - moves['halves'][0]).norm() / moves['whole'][0].norm()
    assert error < 1e-5


def test_the_student_waits_until_its_count_is_full(tmp_path):
    _, watch = watched(edsr(tmp_path, iters=3, batch_size=1, accumulative_counts=2))
    assert moves_of(watch.students) == [
        False,
        True,
        True,
    ]  # and the toolbox steps with what is left at the end


def test_clipping_sees_the_sum_with_the_mutual_information_in_it(tmp_path):
    moves, norms = {}, {}
    for name, clip, weight in (('free', 1e9, 10.0), ('clipped', 1e-3, 10.0), ('alone', 1e9, 0.0)):
        cfg = edsr(tmp_path / name, iters=1, batch_size=2, clip_grad=dict(max_norm=clip))
        cfg.default_hooks.distill.objectives.mi.loss_weight = weight
        runner, watch = watched(cfg)
        moves[name] = (watch.students[1] - watch.students[0]) / -0.1
        norms[name] = families.scalars(runner)['grad_norm'].item()
    assert norms['free'] == pytest.approx(moves['free'].norm().item(), rel=1e-3)
    assert norms['clipped'] == norms['free'] != pytest.approx(norms['alone'], rel=0.05)
    assert moves['clipped'].norm().item() == pytest.approx(1e-3, rel=1e-2)
    assert torch.nn.functional.cosine_similarity(moves['free'], moves['clipped'], dim=0) > 0.999


# ---- the critic -------------------------------------------------------------------------------------


def critic_and_batch() -> tuple[EnergyCritic, tuple[torch.Tensor, ...]]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        critic = EnergyCritic(base_channels=2, image_size=8).eval()
        return critic, tuple(torch.rand(3, 4, 3, 8, 8) * 2 - 1)


def sgd(critic, **cfg):
    return learner_of(critic, optimizer=dict(type='SGD', lr=1.0), **cfg)


def moved(critic, learner, batches) -> torch.Tensor:
    start = torch.nn.utils.parameters_to_vector(critic.parameters()).detach().clone()
    for batch in batches:
        step(learner, MIDistillLoss().critic_loss(critic, *batch)[0])
    return torch.nn.utils.parameters_to_vector(critic.parameters()).detach() - start


def test_two_half_batches_move_the_critic_as_the_whole_batch():
    critic, batch = critic_and_batch()
    whole = moved(critic, sgd(critic), [batch])
    critic, batch = critic_and_batch()
    halves = zip(*(x.chunk(2) for x in batch), strict=True)
    torch.testing.assert_close(moved(critic, sgd(critic, accumulative_counts=2), halves), whole)


def test_gradients_are_averaged_once_right_before_the_step_and_then_clipped(monkeypatch):
    """Over two processes whose gradients happen to be alike, but for a factor of 3 on their mean."""
    calls = []

    def all_reduce(gradients, op):
        calls.append(op)
        for gradient in gradients:
            gradient.mul_(3)

    critic, batch = critic_and_batch()
    free = moved(critic, sgd(critic), [batch])
    monkeypatch.setattr(learner.dist, 'all_reduce_params', all_reduce)
    critic, _ = critic_and_batch()
    tripled = moved(critic, sgd(critic, accumulative_counts=2), [batch] * 2)
    torch.testing.assert_close(tripled, 3 * free)
    assert calls == ['mean']
    critic, _ = critic_and_batch()
    clipped = moved(critic, sgd(critic, clip_grad=dict(max_norm=1e-3)), [batch])
    torch.testing.assert_close(clipped.norm(), torch.tensor(1e-3), rtol=1e-2, atol=0)


def test_the_critic_of_a_run_keeps_to_its_own_count_also_when_resumed(tmp_path):
    cfg = edsr(tmp_path / 'a', iters=5, batch_size=1)
    cfg.default_hooks.distill.objectives.mi.learner.update(
        accumulative_counts=2, clip_grad=dict(max_norm=1.0)
    )
    cfg.default_hooks.checkpoint.interval = 3
    runner, watch = watched(cfg)
    assert moves_of(watch.critics) == [True, False, True, False]  # after the second and fourth iteration
    logged = families.scalars(runner)
    assert logged['mi_learner_norm'].size == 2 and 'grad_norm' not in logged
    assert logged['mi_learner_clipped_norm'].tolist() == pytest.approx(logged['mi_learner_norm'].tolist())
    cfg.resume, cfg.load_from = True, str(tmp_path / 'a' / 'iter_3.pth')
    _, resumed = watched(cfg)
    # the fourth iteration of them all steps, with what the third has gathered
    assert all(map(torch.equal, resumed.critics, watch.critics[3:]))


def moves_of(weights: list[torch.Tensor]) -> list[bool]:
    return [not torch.equal(a, b) for a, b in pairwise(weights)]


def test_a_critic_in_mixed_precision_is_refused(tmp_path):
    cfg = families.edsr(tmp_path, iters=1)
    cfg.default_hooks.distill.objectives.mi.learner.type = 'AmpOptimWrapper'
    with pytest.raises(ConfigError, match=r"distill\.objectives\.mi\.learner\.type='AmpOptimWrapper'"):
        families.train(cfg)
