"""Two processes: replicas that stay equal bit for bit, by NCCL on two devices, by gloo where there is one."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import families
import torch
from distributed_run import SCRIPT
from interruption import difference
from mmengine.config import Config
from processes import free_port, write

from .bench import Bench

NAMES = ('pix2pix', 'edsr', 'stylegan2', 'cyclegan', 'srgan')
PER_RANK = (
    'running_mean',
    'running_var',
    'mean_path_length',
)  # the toolbox averages these for translation only


def run(bench: Bench) -> None:
    devices = torch.cuda.device_count() if bench.device.type == 'cuda' else 0
    backend = 'nccl' if devices > 1 else 'gloo'
    names = NAMES[:1] if bench.dry else NAMES
    with bench.row(what='start', processes=2, devices=devices, backend=backend) as row:
        configs = {name: config(bench, name, backend) for name in names}
        launch(list(configs.values()), 2, devices, bench)
        row |= dict(ok=True)
    for name in names:
        with bench.row(family=name, processes=2, devices=devices, backend=backend) as row:
            row |= compared(name, configs[name])
    if devices == 1:
        with bench.row(family='pix2pix', processes=1, devices=1, backend='nccl') as row:
            launch([config(bench, 'pix2pix', 'nccl')], 1, 1, bench)
            row |= dict(ok=True)


def config(bench: Bench, name: str, backend: str) -> Config:
    cfg = getattr(families, name)(bench.folder(name), iters=3)
    cfg.default_hooks.distill.objectives.mi.loss_weight = 5.0
    cfg.randomness = dict(seed=0, diff_rank_seed=True, deterministic=True)
    cfg.env_cfg.dist_cfg = dict(backend=backend)
    return cfg


def launch(configs: list[Config], processes: int, devices: int, bench: Bench) -> None:
    """As torchrun does, but that processes share a device where there are too few."""
    shared = dict(WORLD_SIZE=str(processes), MASTER_ADDR='127.0.0.1', MASTER_PORT=str(free_port()))
    command = [sys.executable, str(SCRIPT), *map(str, map(write, configs))]
    started = [
        subprocess.Popen(
            command,
            env={**os.environ, **shared, 'RANK': str(rank), 'LOCAL_RANK': str(rank % max(devices, 1))},
        )
        for rank in range(processes)
    ]
    try:
        codes = [process.wait(timeout=max(1, bench.left)) for process in started]
    finally:
        for process in started:
            process.kill()
    if any(codes):
        raise RuntimeError(f'the processes ended with {codes}')


def compared(name: str, cfg: Config) -> dict:
    first, second = (
        torch.load(Path(cfg.work_dir) / f'rank{rank}.pth', map_location='cpu', weights_only=False)
        for rank in range(2)
    )
    translation = name in ('pix2pix', 'cyclegan')
    gap = difference(weights(first['model'], translation), weights(second['model'], translation))
    gap = gap or next(
        filter(None, (difference(first[key], second[key], f'.{key}') for key in ('optimizers', 'critics'))),
        None,
    )
    other_data = difference(first['images'], second['images']) is not None
    return dict(
        ok=gap is None and other_data, replicas=gap or 'equal', images='differ' if other_data else 'equal'
    )


def weights(state: dict[str, Any], whole: bool) -> dict[str, Any]:
    return {key: value for key, value in state.items() if whole or not key.endswith(PER_RANK)}
