"""A user's folder for one bad input: pictures, a teacher, configs, and an earlier run's work to keep."""

import contextlib
import copy
import hashlib
import io
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

import mmagic_mikd  # noqa: F401  repairs the host
from mikd import TOOLS

DELETED = object()
LOAD = [dict(type='LoadImageFromFile', key=key, color_type='color') for key in ('img', 'gt')]


def dataloader(pipeline: list[dict], endless: bool) -> dict:
    return dict(
        batch_size=2,
        num_workers=0,
        sampler=dict(type='InfiniteSampler' if endless else 'DefaultSampler', shuffle=False),
        dataset=dict(
            type='BasicImageDataset',
            data_root='data',
            data_prefix=dict(img='small', gt='large'),
            pipeline=[*LOAD, dict(type='SetValues', dictionary=dict(scale=2)), *pipeline],
        ),
    )


def network(width: int) -> dict:
    return dict(
        type='EDSRNet', in_channels=3, out_channels=3, mid_channels=width, num_blocks=1, upscale_factor=2
    )


def model(width: int) -> dict:
    return dict(
        type='BaseEditModel',
        generator=network(width),
        pixel_loss=dict(type='L1Loss', loss_weight=1.0, reduction='mean'),
        data_preprocessor=dict(type='DataPreprocessor', mean=[0.0] * 3, std=[255.0] * 3),
    )


# EDSR x2, tiny, with every setting of the distillation spelled out
CONFIG = dict(
    default_scope='mmagic',
    custom_imports=dict(imports=['mmagic_mikd'], allow_failed_imports=False),
    model=model(4),
    train_dataloader=dataloader(
        [dict(type='PairedRandomCrop', gt_patch_size=16), dict(type='PackInputs')], True
    ),
    train_cfg=dict(by_epoch=False, max_iters=2),
    optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4)),
    test_dataloader=dataloader([dict(type='PackInputs')], False),
    test_cfg=dict(type='MultiTestLoop'),
    test_evaluator=dict(type='Evaluator', metrics=[dict(type='PSNR')]),
    default_hooks=dict(
        logger=dict(type='LoggerHook', interval=1, log_metric_by_epoch=False),
        checkpoint=dict(type='CheckpointHook', interval=2, by_epoch=False),
        distill=dict(
            type='DistillRunner',
            teacher=dict(model=model(8), checkpoint='teacher.pth'),
            objectives=dict(
                mi=dict(
                    type='MIDistillLoss',
                    loss_weight=0.1,
                    energy_l2=0.05,
                    target='teacher',
                    critic=dict(type='EnergyCritic', base_channels=2, image_size=16),
                    chain=dict(steps=2, step_size=100.0, noise_std=0.005),
                    learner=dict(optimizer=dict(type='Adam', lr=1e-4, betas=(0.0, 0.999))),
                ),
                l1=dict(type='L1Loss', loss_weight=1.0),
            ),
        ),
    ),
    vis_backends=[dict(type='LocalVisBackend')],
    visualizer=dict(type='Visualizer', vis_backends=[dict(type='LocalVisBackend')]),
    randomness=dict(seed=0),
    log_level='WARNING',
    work_dir='work',
)


class World:
    """The folder, whose paths the configs name relative to it, and what may be broken in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name, side in (('small', 8), ('large', 16)):
            for index in range(4):
                self.picture(f'data/{name}/{index}.png', side)
        self.save('teacher.pth', model(8))
        (root / 'work').mkdir()
        (root / 'work' / 'iter_1.pth').write_bytes(b'what an earlier run has left')
        (root / 'work' / 'notes.txt').write_text('mine')

    def picture(self, name: str, side: int, channels: int = 3) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        y, x = np.mgrid[:side, :side] / side
        waves = [np.sin(6 * x * (1 + k) + k) * np.cos(5 * y) for k in range(channels)]
        cv2.imwrite(str(path), np.uint8(127 + 120 * np.stack(waves, -1)))
        return path

    def save(self, name: str, model_cfg: dict, **changes: Any) -> Path:
        """A checkpoint of the toolbox with random weights."""
        from mmagic.registry import MODELS
        from mmengine.registry import DefaultScope

        cfg = copy.deepcopy(model_cfg)
        cfg['generator'].update(changes)
        with torch.random.fork_rng(), DefaultScope.overwrite_default_scope('mmagic'):
            torch.manual_seed(1)
            state = MODELS.build(cfg).state_dict()
        torch.save(dict(meta={}, state_dict=state), self.root / name)
        return self.root / name

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def config(self, changes: dict[str, Any], name: str = 'student.py') -> Path:
        """The config with values at dotted keys replaced, DELETED ones gone."""
        cfg = copy.deepcopy(CONFIG)
        for key, value in changes.items():
            *parents, last = key.split('.')
            place = cfg
            for parent in parents:
                place = place[int(parent)] if isinstance(place, list) else place.setdefault(parent, {})
            if value is DELETED:
                place.pop(last)
            else:
                place[int(last) if isinstance(place, list) else last] = value
        return self.write(name, ''.join(f'{key} = {value!r}\n' for key, value in cfg.items()))

    def snapshot(self) -> dict[str, str]:
        """Every folder, and what every file holds."""
        return {
            str(path.relative_to(self.root)): hashlib.sha256(path.read_bytes()).hexdigest()
            if path.is_file()
            else 'folder'
            for path in sorted(self.root.rglob('*'))
            if path.is_file() or path.is_dir()
        }


def run_tool(tool: str, arguments: list[str]) -> tuple[int, str]:
    """main() of a tool in this process: exit code, and what it prints on stderr."""
    stderr, argv = io.StringIO(), sys.argv
    sys.argv = [f'{tool}.py', *map(str, arguments)]
    try:
        with contextlib.redirect_stderr(stderr):
            code = import_module(f'mmagic_mikd.apps.{TOOLS[tool][0]}').main()
    except SystemExit as stop:
        code = stop.code
    finally:
        sys.argv = argv
    return code or 0, stderr.getvalue()
