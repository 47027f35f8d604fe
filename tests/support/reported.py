"""A short run of each family, and the page of tools/report.py about it."""

import contextlib
import io
from functools import partial
from pathlib import Path

from families import cyclegan, edsr, pix2pix, stylegan2, train
from families.base import data_folder
from families.translation import resize
from mmengine.config import Config
from places import ROOT


def with_test_set(cfg: Config, images: int = 3, side: int = 32) -> Config:
    """Pix2Pix has one of three facades in one batch."""
    original = Config.fromfile(ROOT / 'configs' / 'mikd_pix2pix.py')
    loader = original.test_dataloader
    loader.update(num_workers=0, persistent_workers=False, batch_size=images)
    loader.dataset.data_root = str(data_folder('facades'))
    resize(loader.dataset.pipeline, side, side)
    cfg.test_dataloader, cfg.test_cfg = loader, original.test_cfg
    cfg.test_evaluator = dict(type='Evaluator', metrics=[dict(type='PSNR', gt_key='img_photo')])
    return cfg


FAMILIES = dict(
    pix2pix=lambda folder: with_test_set(pix2pix(folder)),
    cyclegan=cyclegan,
    stylegan2=partial(stylegan2, widths=(16, 8)),
    edsr=edsr,
)


def report_of(family: str, run: Path) -> str:
    """Train into ``run``, write ``run``/report.html, and return what the tool has said."""
    from mmagic_mikd.apps.report.report import main

    train(FAMILIES[family](run))
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        main([str(run), '--images', '3'])
    return said.getvalue()
