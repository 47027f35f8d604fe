"""The data path: pictures a second by workers, decoded once, and onto the device from pinned memory or not."""

import itertools
import time
from typing import Any

import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmagic_mikd.apps.clone import CLONE

from .bench import Bench

BATCH = 16


def run(bench: Bench) -> None:
    size, seconds = (32, 0.5) if bench.dry else (256, 2.0)
    for workers in (0, 2) if bench.dry else (0, 2, 4, 8):
        for cached in (False, True) if workers == 0 else (False,):
            with bench.row(size=size, batch=BATCH, workers=workers, decoded_once=cached) as row:
                row['pictures_a_second'] = loaded(loader(bench, size, workers, cached), cached, seconds)
                row['ok'] = row['pictures_a_second'] > 0
    for pinned in (False, True):
        with bench.row(pinned=pinned, size=size, batch=BATCH) as row:
            row |= dict(ok=True, copy_milliseconds=copied(bench, size, pinned))


def loader(bench: Bench, size: int, workers: int, cached: bool) -> Any:
    """Of the study's config at this size: its steps are decoded once; else they are done for each picture."""
    cfg = Config.fromfile(CLONE / 'benchmarks' / 'studies' / 'configs' / 'pix2pix_facades64.py')
    loader = cfg.train_dataloader
    loader.update(batch_size=BATCH, num_workers=workers, persistent_workers=workers > 0)
    loader.dataset.data_root = str(bench.data / 'facades')
    at_once, crop, *rest = loader.dataset.pipeline
    at_once.transforms[1].scale, crop.crop_size = (size * 9 // 8,) * 2, (size, size)
    loader.dataset.pipeline = [at_once, crop, *rest] if cached else [*at_once.transforms, crop, *rest]
    return Runner.build_dataloader(loader, seed=0)


def loaded(loader: Any, cached: bool, seconds: float) -> float:
    """After the first batches, for which workers start; with a cache, after each picture has come once."""
    batches = iter(loader)
    for _ in range(len(loader.dataset) // BATCH + 1 if cached else 3):
        next(batches)
    begin = time.perf_counter()
    for number in itertools.count(1):
        next(batches)
        if (taken := time.perf_counter() - begin) > seconds:
            return number * BATCH / taken


def copied(bench: Bench, size: int, pinned: bool) -> float:
    batch = torch.empty(BATCH, 3, size, size)
    batch = batch.pin_memory() if pinned and bench.device.type == 'cuda' else batch
    return bench.milliseconds(lambda: batch.to(bench.device, non_blocking=pinned, copy=True))
