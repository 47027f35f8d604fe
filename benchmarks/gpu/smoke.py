"""Every first-class family for ten iterations in float32, against the same run on the CPU.

The CPU's runs are made by another process meanwhile. On a machine without a GPU they use other kernels
(no oneDNN), so that there is something to compare there too.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import families
import numpy as np
import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.hooks import Hook
from mmengine.runner import Runner

from .bench import Bench, deviation, exact, prepare, train
from .draws import DrawnOnHost

# of losses and images in the first iteration, which differ by the order of sums alone, and of all losses: Adam
# turns the rounding of a gradient near zero into a step
FIRST, LATER = 1e-3, 0.1
NAMES = ('pix2pix', 'edsr', 'stylegan2', 'cyclegan', 'srgan', 'nafnet', 'srresnet', 'rdn', 'esrgan')


def config(name: str, folder: Path, iters: int) -> Config:
    """The tests' tiny run of a family, with the energy-based bound and the pyramid."""
    if name in families.restoration.SR_SIZES:
        cfg = families.super_resolution(name, folder, iters=iters)
    else:
        widths = dict(widths=(8, 4)) if name == 'stylegan2' else {}
        cfg = getattr(families, name)(folder, iters=iters, **widths)
    distill = cfg.default_hooks.distill
    distill.objectives.pyramid = dict(type='PyramidLaplaceLoss', loss_weight=1.0, bands=3)
    cfg.default_hooks.checkpoint = None
    cfg.randomness = dict(seed=0)  # whether an operation is deterministic is another phase's question
    return cfg


class Images(Hook):
    """The first student's, of every iteration."""

    def before_train(self, runner: Runner) -> None:
        self.images: list[torch.Tensor] = []
        families.hook_of(runner).iteration.watchers.append(
            lambda views: self.images.append(views[0].s.detach().float().cpu())
        )


def seen(name: str, folder: Path, iters: int) -> dict:
    """Losses by name, and the student's images of the first and the last iteration."""
    look = Images()
    with DrawnOnHost(get_device()) as draws:
        runner = train(config(name, folder, iters), (look, 'LOW'))
    losses = {k: torch.as_tensor(np.asarray(v)) for k, v in families.scalars(runner).items() if is_value(k)}
    return dict(losses=losses, images=[look.images[0], look.images[-1]], drawn=draws.drawn)


def is_value(name: str) -> bool:
    return name.startswith(('loss', 'energy', 'distance', 'chain'))


def run(bench: Bench) -> None:
    exact()
    iters, folder = (2 if bench.dry else 10), bench.folder('reference')
    folder.mkdir(parents=True)
    other = start_reference(bench, folder, iters)
    try:
        for name in NAMES:
            with bench.row(family=name) as row:
                found = seen(name, bench.folder(name), iters)
                expected = wait_for(folder / f'{name}.pth', other, bench)
                row |= compared(found, expected)
    finally:
        other.send_signal(signal.SIGTERM)
        other.wait()


def compared(found: dict, expected: dict) -> dict:
    losses = found['losses'], expected['losses']
    if losses[0].keys() != losses[1].keys():
        raise ValueError(f'other losses than on the CPU: {sorted(losses[0].keys() ^ losses[1].keys())}')
    both = [(losses[0][key].double(), losses[1][key].double()) for key in losses[0]]
    scales = [b.abs().max().clamp(min=1e-6) for _, b in both]
    each = [(a - b).abs() / scale for (a, b), scale in zip(both, scales, strict=True)]
    first, last = (deviation(a, b) for a, b in zip(found['images'], expected['images'], strict=True))
    row = dict(
        first_losses=max(e[0].item() for e in each),
        all_losses=max(e.max().item() for e in each),
        first_image=first,
        last_image=last,
        draws=found['drawn'],
    )
    ok = row['first_losses'] < FIRST and first < FIRST and row['all_losses'] < LATER and last < LATER
    return dict(ok=ok, **row)


def start_reference(bench: Bench, folder: Path, iters: int) -> subprocess.Popen:
    command = [sys.executable, '-m', 'benchmarks.gpu.smoke', folder, bench.data, iters, int(bench.dry)]
    env = {**os.environ, 'CUDA_VISIBLE_DEVICES': ''}
    return subprocess.Popen([str(part) for part in command], env=env)


def wait_for(path: Path, process: subprocess.Popen, bench: Bench) -> dict:
    while not path.exists():
        if process.poll() is not None and not path.exists():
            raise RuntimeError('the run on the CPU has failed, see the log')
        if bench.left < 0:
            raise TimeoutError('the run on the CPU is not through')
        time.sleep(0.05)
    return torch.load(path, weights_only=True)


def reference(folder: Path, data: Path, iters: int, other_kernels: bool) -> None:
    """What the process on the CPU does: one file for each family, whole when it is there."""
    prepare(data)
    torch.backends.mkldnn.enabled = not other_kernels
    for name in NAMES:
        part = folder / f'{name}.part'
        torch.save(seen(name, folder / name, iters), part)
        part.replace(folder / f'{name}.pth')


if __name__ == '__main__':
    reference(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), bool(int(sys.argv[4])))
