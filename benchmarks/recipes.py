"""Multiply-accumulates of one iteration of configs/mikd_pix2pix.py at 256 px, by recipe.

    PYTHONPATH=. python benchmarks/recipes.py

On noise and with a teacher of random weights: neither changes the count, which is of the third iteration, in
which all that learns has its optimiser. Prints a table; the ratio is to the first recipe.
"""

import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmagic_mikd.apps.scaling.footprint import shortened
from mmagic_mikd.cost.training_macs import TrainingMacs

CONFIG = Path(__file__).parents[1] / 'configs' / 'mikd_pix2pix.py'
RECIPES = ('pyramid', 'pyramid_adversarial', 'pyramid_features', 'reference')
COUNTED = 2  # the iteration that is counted, from 0


class Count(Hook):
    priority = 'VERY_HIGH'

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        if batch_idx == COUNTED:
            self._mode = TrainingMacs()
            self._mode.__enter__()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        if batch_idx == COUNTED:
            self._mode.__exit__(None, None, None)
            self.macs = self._mode.macs / runner.cfg.train_dataloader.batch_size


def config(recipe: str, folder: Path) -> Config:
    cfg = Config.fromfile(CONFIG)
    cfg.default_hooks.distill.update(recipe=recipe, start=None)
    cfg.train_dataloader.dataset.data_root = str(folder)
    cfg.custom_hooks = []
    return shortened(cfg, folder, COUNTED + 1)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / 'train').mkdir()
        random = np.random.default_rng(0)
        for number in range(4):
            picture = random.integers(0, 256, (256, 512, 3), np.uint8)
            cv2.imwrite(str(folder / 'train' / f'{number}.jpg'), picture)
        found: dict[str, float] = {}
        for recipe in RECIPES:
            runner, count = Runner.from_cfg(config(recipe, folder)), Count()
            runner.register_hook(count)
            runner.train()
            found[recipe] = count.macs
    print('| recipe | GMACs of an iteration, for each image | times |\n| --- | ---: | ---: |')
    for recipe, macs in found.items():
        print(f'| `{recipe}` | {macs / 1e9:.1f} | {macs / found[RECIPES[0]]:.2f} |')


if __name__ == '__main__':
    main()
