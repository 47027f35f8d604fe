"""Distributed trainings on this process, one after the other; each leaves rank<n>.pth in its work dir.

torchrun --nproc_per_node=2 tests/support/distributed_run.py CONFIG [CONFIG ...]
"""

import functools
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import mmengine.config.config
import pytest
import torch
from families import hook_of
from mmengine import dist
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner
from mmengine.runner.checkpoint import get_state_dict
from same_samples import separate_samples
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mmagic_mikd.host.taps import unwrap
from mmagic_mikd.objectives.energy import objective as energy_objective

SCRIPT = Path(__file__)
STEADY = 2  # DDP rearranges its buckets before that iteration


class Collectives(TorchDispatchMode):
    """Notes the bytes of each tensor that a collective gets while it is active, from Python or DDP."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes: list[int] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        if func.namespace == 'c10d':
            self.bytes += [t.nbytes for t in tree_leaves(args[0]) if isinstance(t, torch.Tensor)]
        return func(*args, **(kwargs or {}))


class Watch(Hook):
    """Keeps what this rank saw, drew, computed and sent."""

    priority = 'HIGHEST'  # before the hook under test drops them

    def __init__(self) -> None:
        self.setup: list[list[int]] = []
        self.chains: list[list[int]] = []
        self.sent: list[tuple[str, int]] = []

    def before_train(self, runner: Runner) -> None:
        self.images: list[torch.Tensor] = []
        self.gradients: dict[str, list[torch.Tensor]] = {}
        preprocessor = unwrap(runner.model).data_preprocessor
        preprocessor.register_forward_hook(lambda *call: self.images.append(image_in(call[-1])))
        hook = hook_of(runner)
        hook.before_train = self.counted(self.setup, hook.before_train)

    def counted(self, into: list, function: Callable) -> Callable:
        """The function, leaving in ``into`` for each call what it has sent."""

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with Collectives() as collectives:
                result = function(*args, **kwargs)
            into.append(collectives.bytes)
            return result

        return call

    def before_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        if runner.iter == 0:
            self._keep_gradients_of(optimisers(runner))
        if runner.iter == STEADY:
            self._profile = torch.profiler.profile(
                activities=[torch.profiler.ProfilerActivity.CPU], record_shapes=True
            )
            self._profile.__enter__()

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        hook = hook_of(runner)
        self.noise = getattr(self, 'noise', hook._noise.get_state())
        self.critics = dict(
            weights=hook.objectives['mi'].critics.state_dict(),
            optimizer=hook.objectives['mi'].learner.optim_wrapper.state_dict(),
        )
        self.learned = {name: o.network.state_dict() for name, o in hook.objectives.items()}
        self.teachers = [pair.teacher.state_dict() for pair in hook.pairs]
        inside = set(runner.model.modules())
        self.loose = not any(is_model_wrapper(p.teacher) or p.teacher in inside for p in hook.pairs)
        if runner.iter == STEADY:
            dist.barrier()  # gloo notes a message a little after it has arrived
            self._profile.__exit__(None, None, None)
            self.sent = sent_through_gloo(self._profile)

    def _keep_gradients_of(self, wrappers: dict[str, OptimWrapper]) -> None:
        for name, wrapper in wrappers.items():
            wrapper.optimizer.register_step_pre_hook(partial(self._keep, name))

    def _keep(self, name: str, optimizer: torch.optim.Optimizer, *args: Any) -> None:
        parameters = [p for group in optimizer.param_groups for p in group['params']]
        found = [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in parameters]
        self.gradients.setdefault(name, found)


def optimisers(runner: Runner) -> dict[str, OptimWrapper]:
    """Those of the toolbox, and the critic's."""
    own = runner.optim_wrapper
    own = dict(own.items()) if isinstance(own, OptimWrapperDict) else dict(generator=own)
    return {**own, 'critics': hook_of(runner).objectives['mi'].learner.optim_wrapper}


def image_in(data: dict) -> torch.Tensor:
    """The first image of a batch; a model that makes images from noise has none among its inputs."""
    images = [x for x in tree_leaves(data['inputs']) if isinstance(x, torch.Tensor)]
    return images[0] if images else data['data_samples'].gt_img


def sent_through_gloo(profile: torch.profiler.profile) -> list[tuple[str, int]]:
    """(collective, number of values) of each message; of all other events there are thousands, slow to read."""
    events = profile.profiler.kineto_results.events()
    sent = [event for event in events if event.name() in ('gloo:all_reduce', 'gloo:broadcast')]
    return [(e.name().removeprefix('gloo:'), sum(map(numel, e.shapes()))) for e in sent]


def numel(shape: list[int]) -> int:
    return int(torch.Size(shape).numel())


def run(cfg: Config) -> dict:
    """Train as ``cfg`` says, and what there is to look at afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        if cfg.get('same_samples'):
            separate_samples(patch)
        runner, watch = Runner.from_cfg(cfg), Watch()
        patch.setattr(energy_objective, 'langevin', watch.counted(watch.chains, energy_objective.langevin))
        runner.register_hook(watch)
        runner.train()
    history = runner.message_hub.log_scalars
    ratios = [values.data[0].tolist() for key, values in history.items() if 'mi_grad_ratio' in key]
    return dict(
        model=get_state_dict(unwrap(runner.model)),
        optimizers=runner.optim_wrapper.state_dict(),
        images=watch.images[:1],
        mi_grad_ratio=ratios,
        **{
            key: getattr(watch, key)
            for key in ('critics', 'learned', 'noise', 'gradients', 'teachers', 'loose')
        },
        **{key: getattr(watch, key) for key in ('setup', 'chains', 'sent')},
    )


def main() -> None:
    torch.set_num_threads(1)
    mmengine.config.config.FormatCode = lambda text, **_: (text, True)  # as in conftest.py: it takes long
    for path in sys.argv[1:]:
        cfg = Config.fromfile(path)
        cfg.launcher = 'pytorch'
        torch.save(run(cfg), Path(cfg.work_dir) / f'rank{dist.get_rank()}.pth')


if __name__ == '__main__':
    main()
