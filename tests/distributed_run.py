"""One process of a distributed training; leaves rank<n>.pth in the work dir.

torchrun --nproc_per_node=2 tests/distributed_run.py CONFIG
"""

import sys
from pathlib import Path

import mmengine.config.config
import torch
from families import hook_of
from mmengine import dist
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils._pytree import tree_leaves

from mmagic_mikd.tap import unwrap


class Watch(Hook):
    """Keeps this rank's images and noise of the first iteration, and the critics at the end."""

    priority = 'HIGHEST'  # before the hook under test drops them

    def before_train(self, runner: Runner) -> None:
        self.images: list[torch.Tensor] = []
        preprocessor = unwrap(runner.model).data_preprocessor
        preprocessor.register_forward_hook(
            lambda module, args, data: self.images.extend(tree_leaves(data['inputs']))
        )

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        hook = hook_of(runner)
        self.noise = getattr(self, 'noise', hook._noise.get_state())
        self.critics = dict(weights=hook.critics.state_dict(), optimizer=hook.optim_wrapper.state_dict())


def main() -> None:
    torch.set_num_threads(1)
    mmengine.config.config.FormatCode = lambda text, **_: (text, True)  # as in conftest.py: it takes long
    cfg = Config.fromfile(sys.argv[1])
    cfg.launcher = 'pytorch'
    runner, watch = Runner.from_cfg(cfg), Watch()
    runner.register_hook(watch)
    runner.train()
    state = dict(
        model=runner.model.state_dict(),
        optimizers=runner.optim_wrapper.state_dict(),
        critics=watch.critics,
        images=[image for image in watch.images if isinstance(image, torch.Tensor)][:1],
        noise=watch.noise,
    )
    torch.save(state, Path(cfg.work_dir) / f'rank{dist.get_rank()}.pth')


if __name__ == '__main__':
    main()
