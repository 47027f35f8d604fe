"""Tiny Pix2Pix and CycleGAN runs from MMagic's configs on made-up images; Python in fresh processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
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
    return _json(_start([sys.executable, HERE / script, *args], without, env))


def two_processes(script: str, *args, **env) -> list[dict]:
    """Run `script` on two processes as `torchrun` does; what each printed last."""
    launch = dict(env, WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=str(free_port()))
    command = [sys.executable, HERE / script, *args]
    ranks = [_start(command, '', dict(launch, RANK=str(rank), LOCAL_RANK=str(rank))) for rank in range(2)]
    return [_json(rank) for rank in ranks]


def _start(command: list, without: str, env: dict) -> subprocess.Popen:
    env = {**os.environ, 'MIKD_WITHOUT': without, 'CUDA_VISIBLE_DEVICES': '', 'OMP_NUM_THREADS': '1', **env}
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return subprocess.Popen([str(part) for part in command], env=env, cwd=HERE, **pipes)


def _json(process: subprocess.Popen) -> dict:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1])


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
