"""Where the counters of a resumed optimiser lie."""

import families
import pytest
import torch
from interruption import elsewhere, finish
from mmengine.hooks import Hook
from mmengine.runner import Runner
from resumable import every

from mmagic_mikd.host.optimiser_state import counters_to_host


class Counters(Hook):
    """Those of the toolbox's optimiser, and of what an objective learns, before the first iteration."""

    def before_train_iter(self, runner, *args, **kwargs):
        learner = families.hook_of(runner).objectives['mi'].learner
        states = (each.optimizer.state.values() for each in (runner.optim_wrapper, learner.optim_wrapper))
        self.seen = [{state['step'].item() for state in of_one} for of_one in states]


@pytest.fixture
def moved(monkeypatch):
    """Without a GPU, what is moved to the host is told by its numbers."""
    monkeypatch.setattr(torch.Tensor, 'cpu', lambda tensor: tensor + 100)


def test_counters_go_to_the_host_and_nothing_else_does(moved):
    moment, step = torch.ones(2), torch.tensor(3.0)
    groups = [dict(lr=0.1, params=[0])]
    saved = dict(a=dict(state={0: dict(step=step, exp_avg=moment), 1: dict(step=4)}, param_groups=groups))
    counters_to_host(saved)
    state = saved['a']['state']
    assert (state[0]['step'].item(), state[1]['step']) == (103, 4)
    assert state[0]['exp_avg'] is moment and saved['a']['param_groups'] is groups
    for nothing in (None, [], torch.ones(1), 'text'):
        counters_to_host(nothing)


def test_a_resumed_run_has_all_of_its_counters_there(tmp_path, monkeypatch):
    cfg = every(families.edsr(tmp_path / 'whole', iters=2), 1)
    finish(cfg)
    runner = Runner.from_cfg(elsewhere(cfg, 'iter_1.pth', tmp_path / 'again'))
    counters = Counters()
    runner.register_hook(counters, 'LOWEST')
    monkeypatch.setattr(torch.Tensor, 'cpu', lambda tensor: tensor + 100 if tensor.ndim == 0 else tensor)
    runner.train()
    assert counters.seen == [{101}, {101}]
