"""The same training in float32, bfloat16 and float16, side by side.

`python tests/support/precision_runs.py [ITERATIONS]` prints the tables of docs/reliability.md.
"""

import contextlib
import io
import sys
import tempfile
from pathlib import Path

import families
import mmengine.config.config
import numpy as np
import torch
from mmengine.config import Config
from torch.nn.utils import parametrize

from mmagic_mikd import EnergyCritic
from mmagic_mikd.apps.launch.amp import enable_amp

FAMILIES = ('pix2pix', 'cyclegan', 'stylegan2', 'edsr', 'srgan')
PRECISIONS = ('float32', 'bfloat16', 'float16')


def config(family: str, precision: str, work_dir: Path, iters: int) -> Config:
    """A tiny run of a family in this precision, as `--amp-dtype` sets it; float16 with its loss scaler."""
    widths = dict(widths=(8, 4)) if family == 'stylegan2' else {}
    cfg = getattr(families, family)(work_dir / f'{family}-{precision}', iters=iters, **widths)
    if precision != 'float32':
        enable_amp(cfg, precision)
    return cfg


def curve(logged: dict[str, np.ndarray], name: str) -> np.ndarray:
    """One value per iteration: of a model with several pairs, their mean."""
    return np.mean([values for key, values in logged.items() if key.startswith(name)], axis=0)


def deviation(logged: dict, reference: dict) -> np.ndarray:
    """How far the energies are from those in float32, per iteration, as a share of the largest of these."""
    names = [name for name in reference if name.startswith(('energy_t', 'energy_neg'))]  # not their gap
    largest = max(np.abs(reference[name]).max() for name in names)
    return np.max([np.abs(logged[name] - reference[name]) for name in names], axis=0) / largest


def input_gradient(precision: str, size: int) -> torch.Tensor:
    """dE/dt of a fresh critic at random images of ``size`` pixels, if it computed in this precision.

    With weights that were normalised in float32: spectral normalisation does not run under autocast at all.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        critic = EnergyCritic(base_channels=8, image_size=size)
        t, s = torch.rand(2, 1, 3, size, size) * 2 - 1
    t.requires_grad_(True)
    half = torch.float16 if precision == 'float16' else torch.bfloat16
    with parametrize.cached():
        critic(t, s)
        with torch.autocast('cpu', half, enabled=precision != 'float32'):
            energy = critic(t, s)
    return torch.autograd.grad(energy.float().sum(), t)[0]


def print_input_gradients() -> None:
    print('| images | median in float32 | critic in | gradients that are zero | relative error of all |')
    print('| --- | ---: | --- | ---: | ---: |')
    for size in (64, 256):
        exact = input_gradient('float32', size)
        for precision in PRECISIONS[1:]:
            gradient = input_gradient(precision, size)
            zero = (gradient == 0).float().mean().item()
            error = ((gradient - exact).norm() / exact.norm()).item()
            print(f'| {size} px | {exact.abs().median():.1e} | {precision} | {zero:.2%} | {error:.1%} |')


def print_tables(iters: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        runs = {(f, p): run(f, p, Path(folder), iters) for f in FAMILIES for p in PRECISIONS}
    print_input_gradients()
    print('\n| family | precision | energies, first iteration | largest of all | skipped steps |')
    print('| --- | --- | ---: | ---: | ---: |')
    for (family, precision), (logged, skipped) in runs.items():
        if precision != 'float32':
            error = deviation(logged, runs[family, 'float32'][0])
            print(f'| {family} | {precision} | {error[0]:.2%} | {error.max():.1%} | {skipped} |')
    names = ('loss_pixel', 'energy_t', 'energy_neg', 'loss_distill_mi')
    print('\n| iteration | ' + ' | '.join(f'{name}, {p}' for name in names for p in PRECISIONS) + ' |')
    print('| ---: ' * (1 + len(names) * len(PRECISIONS)) + '|')
    for i in sorted({0, 1, 2, 5, 10, 20, iters - 1} & set(range(iters))):
        row = [f'{curve(runs["pix2pix", p][0], name)[i]:.4g}' for name in names for p in PRECISIONS]
        print(f'| {i + 1} | ' + ' | '.join(row) + ' |')


def run(family: str, precision: str, folder: Path, iters: int) -> tuple[dict, int]:
    """What was logged, and how many steps of the generator the loss scaler skipped."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        runner = families.train(config(family, precision, folder, iters))
    wrapper = runner.optim_wrapper
    wrapper = next(iter(wrapper.values())) if hasattr(wrapper, 'values') else wrapper
    scale = wrapper.loss_scaler.get_scale() if precision != 'float32' else 65536
    return families.scalars(runner), int(np.log2(65536 / scale))


if __name__ == '__main__':
    torch.set_num_threads(1)
    mmengine.config.config.FormatCode = lambda text, **_: (text, True)  # as in conftest.py: it takes long
    print_tables(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
