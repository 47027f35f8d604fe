"""Tiny Pix2Pix and CycleGAN runs from MMagic's configs on made-up images; Python in fresh processes."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import forked
import numpy as np
from mmengine.config import Config
from mmengine.hub import get_config
from processes import free_port

import mmagic_mikd  # noqa: F401  before anything of MMagic

HERE = Path(__file__).parent
SIZE = 32
CONFIGS = {
    'pix2pix': 'mmagic::pix2pix/pix2pix_vanilla-unet-bn_1xb1-80kiters_facades.py',
    'cyclegan': 'mmagic::cyclegan/cyclegan_lsgan-id0-resnet-in_1xb1-250kiters_summer2winter.py',
}


def python(script: str, *args, without: str = '', **env) -> dict:
    """Run `script` of this folder in a fresh process without a GPU; its last line of output is JSON."""
    command = [sys.executable, *map(str, (HERE / script, *args))]
    pipes = dict(capture_output=True, text=True, timeout=300)
    return _json(subprocess.run(command, env=_environment(without, env), cwd=HERE, **pipes))


def two_processes(script: str, *args) -> list[dict]:
    """Run `script` on two processes as `torchrun` does; what each printed last. All repairs are at work."""
    launch = dict(WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=str(free_port()))
    command = [sys.executable, str(HERE / script), *map(str, args)]

    def rank(number: str) -> dict:
        env = _environment('', dict(launch, RANK=number, LOCAL_RANK=number))
        return _json(forked.run(*forked.copied(command, HERE, env), timeout=300))

    forked.start_server()  # else both threads would
    with ThreadPoolExecutor(2) as ranks:
        return list(ranks.map(rank, '01'))


def _environment(without: str, env: dict) -> dict:
    ours = dict(MIKD_WITHOUT=without, CUDA_VISIBLE_DEVICES='', OMP_NUM_THREADS='1')
    return {**os.environ, **ours, **env}


def _json(done: subprocess.CompletedProcess) -> dict:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def config(family: str, folder: Path, iters: int) -> Config:
    """MMagic's config of `family`, four channels wide at 32 px, without evaluation."""
    # the runner prints its config five times, and most of a short run would go into formatting that
    cfg = Config(get_config(CONFIGS[family]).to_dict(), format_python_code=False)
    cfg.work_dir = str(folder / 'work')
    cfg.train_cfg = dict(by_epoch=False, max_iters=iters)
    for name in ('val', 'test'):
        for part in ('cfg', 'dataloader', 'evaluator'):
            cfg[f'{name}_{part}'] = None
    cfg.custom_hooks, cfg.log_level = [], 'ERROR'
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=iters, by_epoch=False)
    cfg.visualizer = dict(type='Visualizer', vis_backends=[dict(type='LocalVisBackend')])
    cfg.randomness = dict(seed=0, diff_rank_seed=True)
    cfg.train_dataloader.update(num_workers=0, persistent_workers=False, batch_size=1)
    cfg.train_dataloader.dataset.data_root = str(write_images(family, folder / family))
    _shrink_pipeline(cfg.train_dataloader.dataset.pipeline)
    _shrink_model(family, cfg.model)
    return cfg


def write_images(family: str, folder: Path) -> Path:
    """Four images a domain, of random colours: side by side for Pix2Pix, in two folders for CycleGAN."""
    width = {'train': 2 * SIZE} if family == 'pix2pix' else {'trainA': SIZE, 'trainB': SIZE}
    for seed, (name, columns) in enumerate(width.items()):
        (folder / name).mkdir(parents=True, exist_ok=True)
        images = np.random.RandomState(seed).randint(0, 256, (4, SIZE, columns, 3), dtype=np.uint8)
        for number, image in enumerate(images):
            cv2.imwrite(str(folder / name / f'{number}.png'), image)
    return folder


def batch(cfg: Config, count: int = 1) -> dict:
    """The first `count` samples, as the data loader hands them to the model."""
    from mmengine.dataset import pseudo_collate
    from mmengine.registry import DATASETS

    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    return pseudo_collate([dataset[number] for number in range(count)])


def _shrink_pipeline(pipeline: list) -> None:
    for transform in pipeline:
        if 'scale' in transform:
            transform.scale = (SIZE, SIZE)
        if 'crop_size' in transform:
            transform.crop_size = (SIZE, SIZE)
        if 'transforms' in transform:
            _shrink_pipeline(transform.transforms)


def _shrink_model(family: str, model: dict) -> None:
    small = dict(num_down=5) if family == 'pix2pix' else dict(num_blocks=1)
    model.generator.update(base_channels=4, **small)
    model.discriminator.update(base_channels=4, num_conv=1)
