"""What each of two forked processes has at the end of a run."""

import torch
from families import hook_of
from interruption import end, output, start
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from processes import free_port


@HOOKS.register_module()
class KeepRank(Hook):
    """Leaves the networks of this process in rank<n>.pth: of the model, and what the objectives learned."""

    priority = 'HIGHEST'  # while the hook under test still has them

    def after_train(self, runner: Runner) -> None:
        learned = {name: o.network.state_dict() for name, o in hook_of(runner).objectives.items()}
        state = dict(model=runner.model.module.state_dict(), learned=learned)
        torch.save(state, f'{runner.work_dir}/rank{runner.rank}.pth')


def of_two_processes(cfg: Config) -> list[dict]:
    """Train on two processes, each with its own draws, and return what each of them has."""
    cfg.launcher, cfg.custom_hooks = 'pytorch', [*cfg.custom_hooks, dict(type='KeepRank')]
    cfg.randomness.diff_rank_seed = True
    address = dict(WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=str(free_port()))
    pids = [start(cfg, None, RANK=str(rank), LOCAL_RANK=str(rank), **address) for rank in range(2)]
    assert [end(pid) for pid in pids] == [0, 0], output(cfg)[-3000:]
    return [torch.load(f'{cfg.work_dir}/rank{rank}.pth') for rank in range(2)]
