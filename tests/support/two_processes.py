"""Train translation models on two processes, without and with the repair, and print what this rank has.

Not a test: `test_launch.py` starts it twice, as `torchrun` does. The configs name nccl; there is no GPU.
Argument: a folder for made-up images.
"""

import hashlib
import json
import os
import sys
from pathlib import Path

import compat_runs
import torch
from mmagic.utils import register_all_modules
from mmengine.model import MMSeparateDistributedDataParallel as Wrapper
from mmengine.registry import MODELS
from mmengine.runner import Runner

from mmagic_mikd.compat.translation_sync import average_gradients

RANK = int(os.environ['RANK'])
REPAIRED = Wrapper.train_step


def launched(family: str, folder: Path, name: str, **changes):
    cfg = compat_runs.config(family, folder / str(RANK), iters=3)
    cfg.work_dir = str(folder / 'work')
    cfg.merge_from_dict(dict(launcher='pytorch', experiment_name=name, **changes))
    assert cfg.env_cfg.dist_cfg.backend == 'nccl'
    return Runner.from_cfg(cfg)


def fingerprint(model) -> dict[str, str]:
    """The exact bytes of every part of the model, as a hash that is the same on every process."""
    parts = {'parameters': model.parameters(), 'buffers': model.buffers()}
    contents = {name: b''.join(t.detach().numpy().tobytes() for t in part) for name, part in parts.items()}
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


def trained(family: str, folder: Path, name: str, train_step, **changes) -> dict[str, str]:
    Wrapper.train_step = train_step
    runner = launched(family, folder, name, **changes)
    runner.train()
    return fingerprint(runner.model)


def averaged_by_hand() -> list:
    """Gradients of four parameters: on both ranks, on rank 0 only, on none, and in double precision."""
    parameters = [torch.nn.Parameter(torch.zeros(2)) for _ in range(3)]
    parameters.append(torch.nn.Parameter(torch.zeros(1, dtype=torch.float64)))
    parameters[0].grad = torch.tensor([1.0, 2.0]) * (RANK + 1)
    parameters[1].grad = torch.tensor([4.0, 4.0]) if RANK == 0 else None
    parameters[3].grad = torch.tensor([RANK + 0.5], dtype=torch.float64)
    average_gradients(parameters)
    return [None if p.grad is None else p.grad.tolist() for p in parameters]


def distance_to_large_batch(folder: Path) -> float:
    """After one step of plain gradient descent: two ranks of one image against one process with both.

    Without layers that look across the batch the two are the same computation.
    """
    cfg = compat_runs.config('pix2pix', folder / str(RANK), iters=1)
    cfg.model.generator.update(use_dropout=False, norm_cfg=dict(type='IN'))
    cfg.model.discriminator.norm_cfg = dict(type='IN')
    cfg.model.generator.num_down = 3
    torch.manual_seed(0)
    alone, together = MODELS.build(cfg.model), MODELS.build(cfg.model)
    together.load_state_dict(alone.state_dict())
    images = torch.rand(2, 3, 32, 32, generator=torch.manual_seed(1)) * 255
    step(alone, alone, images)
    step(Wrapper(together), together, images[RANK : RANK + 1])
    pairs = zip(alone.parameters(), together.parameters(), strict=True)
    return max((a - b).abs().max().item() for a, b in pairs)


def step(wrapper, model, images) -> None:
    from mmengine.optim import OptimWrapper, OptimWrapperDict

    parts = {name: getattr(model, name).parameters() for name in ('generators', 'discriminators')}
    optimizers = {name: OptimWrapper(torch.optim.SGD(part, lr=1.0)) for name, part in parts.items()}
    inputs = {'img_photo': list(images), 'img_mask': list(images.flip(3))}
    wrapper.train_step({'inputs': inputs, 'data_samples': None}, OptimWrapperDict(**optimizers))


def main() -> None:
    folder = Path(sys.argv[1])
    register_all_modules()
    stock = REPAIRED.__wrapped__
    clipped = {'accumulative_counts': 2, 'clip_grad': dict(max_norm=1.0)}
    accumulated = {f'optim_wrapper.{name}': clipped for name in ('generators', 'discriminators')}
    found = {
        'pix2pix, stock': trained('pix2pix', folder, 'a', stock),
        'pix2pix': trained('pix2pix', folder, 'b', REPAIRED),
        'cyclegan, stock': trained('cyclegan', folder, 'c', stock),
        'cyclegan, accumulated and clipped': trained('cyclegan', folder, 'd', REPAIRED, **accumulated),
        'backend': torch.distributed.get_backend(),
        'averaged': averaged_by_hand(),
    }
    Wrapper.train_step = REPAIRED
    found['distance to large batch'] = distance_to_large_batch(folder)
    print(json.dumps(found))


if __name__ == '__main__':
    main()
