"""Averaged weights: of the student alone, by the toolbox's own means, with nothing of ours in them."""

import copy

import families
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmagic_mikd.engine.pair import Pair
from mmagic_mikd.host.taps import ForwardTap
from mmagic_mikd.objectives.energy.critic import EnergyCritic


def student_weights(model: torch.nn.Module) -> dict:
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


class Trace(Hook):
    """The student's weights after each iteration, seen before the toolbox averages them."""

    priority = 'VERY_HIGH'

    def __init__(self, copies: bool = False) -> None:
        self.weights, self.copy, self._copies = [], None, copies

    def after_train_iter(self, runner, *args, **kwargs):
        self.weights.append(student_weights(runner.model))
        if self._copies:  # while the hook under test still holds the images of the step
            self.copy = copy.deepcopy(runner.model)


@pytest.fixture(scope='module')
def averaged(tmp_path_factory):
    """EDSR, distilled for three iterations with the toolbox's EMAHook; its config, runner and trace."""
    cfg = families.edsr(tmp_path_factory.mktemp('ema'), iters=3)
    cfg.custom_hooks = [dict(type='EMAHook', momentum=0.25)]
    cfg.optim_wrapper.optimizer.lr = 0.01
    runner, trace = Runner.from_cfg(copy.deepcopy(cfg)), Trace(copies=True)
    runner.register_hook(trace)
    runner.train()
    return cfg, runner, trace


def test_the_average_is_that_of_the_students_weights(averaged):
    cfg, _, trace = averaged
    saved = families.load(f'{cfg.work_dir}/iter_3.pth')
    first, *later = trace.weights
    for name, expected in first.items():
        for weights in later:
            expected = 0.75 * expected + 0.25 * weights[name]
        assert not torch.equal(expected, later[-1][name])
        # the toolbox saves the average in place of the weights, and these in ema_state_dict
        torch.testing.assert_close(saved['state_dict'][name], expected)
        assert torch.equal(saved['ema_state_dict'][f'module.{name}'], later[-1][name])


def test_the_average_holds_the_student_and_nothing_else(averaged):
    cfg, runner, _ = averaged
    saved = families.load(f'{cfg.work_dir}/iter_3.pth')
    names = set(saved['state_dict'])
    assert set(saved['ema_state_dict']) == {f'module.{name}' for name in names} | {'steps'}
    hook = next(hook for hook in runner.hooks if type(hook).__name__ == 'EMAHook')
    assert set(hook.ema_model.module.state_dict()) == names
    assert not [m for m in hook.ema_model.modules() if isinstance(m, EnergyCritic)]
    families.reload_in_mmagic(cfg, f'{cfg.work_dir}/iter_3.pth')


def test_a_copy_made_in_the_middle_of_a_step_has_no_life_of_its_own(averaged):
    """Its hooks came along, but they neither hold nor do anything."""
    _, _, trace = averaged
    hooks = [hook for m in trace.copy.modules() for hook in m._forward_hooks.values()]
    owners = [getattr(hook, '__self__', None) for hook in hooks]
    assert hooks and not [owner for owner in owners if isinstance(owner, Pair | ForwardTap)]
    seen = []
    network = torch.nn.Linear(2, 2)
    tap = ForwardTap(network, seen.append)
    tap.arm()
    copied = copy.deepcopy(network)
    copied(torch.zeros(1, 2))
    assert seen == []
    network(torch.zeros(1, 2))
    assert len(seen) == 1


def test_averaging_changes_nothing_of_the_training(averaged):
    cfg, _, trace = averaged
    cfg = copy.deepcopy(cfg)
    cfg.custom_hooks, cfg.work_dir = [], cfg.work_dir + '/plain'
    plain = families.train(cfg)
    assert families.equal(student_weights(plain.model), trace.weights[-1])


def test_a_resumed_run_averages_on(averaged):
    cfg, _, _ = averaged
    whole = families.load(f'{cfg.work_dir}/iter_3.pth')
    cfg = copy.deepcopy(cfg)
    cfg.work_dir += '/resumed'
    cfg.default_hooks.checkpoint.interval = 2
    families.train(cfg)
    cfg.resume, cfg.load_from = True, f'{cfg.work_dir}/iter_2.pth'
    families.train(cfg)
    resumed = families.load(f'{cfg.work_dir}/iter_3.pth')
    assert families.equal(resumed['ema_state_dict'], whole['ema_state_dict'])


def test_the_hook_of_mmagic_averages_the_generator(tmp_path):
    cfg = families.edsr(tmp_path, iters=2)
    ema = dict(module_keys='generator_ema', interval=1, interp_cfg=dict(momentum=0.25))
    cfg.custom_hooks = [dict(type='ExponentialMovingAverageHook', **ema)]
    cfg.optim_wrapper.optimizer.lr = 0.01
    runner, trace = Runner.from_cfg(cfg), Trace()
    runner.model.generator_ema = copy.deepcopy(runner.model.generator).requires_grad_(False)
    runner.register_hook(trace)
    start = student_weights(runner.model.generator)
    runner.train()
    for name, average in runner.model.generator_ema.named_parameters():
        first, last = (weights[f'generator.{name}'] for weights in trace.weights)
        torch.testing.assert_close(average, 0.75 * (0.75 * start[name] + 0.25 * first) + 0.25 * last)


def test_stylegan2_averages_the_distilled_generator(tmp_path):
    cfg = families.stylegan2(tmp_path, iters=2, widths=(4, 2))
    cfg.default_hooks.distill.objectives.mi.loss_weight = 50.0
    cfg.model.ema_config.momentum = 0.5
    runner, trace = Runner.from_cfg(copy.deepcopy(cfg)), Trace()
    runner.register_hook(trace)
    runner.train()
    first, last = trace.weights
    for name, average in runner.model.generator_ema.module.named_parameters():
        expected = 0.5 * first[f'generator.{name}'] + 0.5 * last[f'generator.{name}']
        torch.testing.assert_close(average, expected)
    assert {m for m in runner.model.generator_ema.modules() if m._forward_hooks} == set()
