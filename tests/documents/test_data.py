"""The whole configs of docs/data.md train and are scored on folders such as the page describes."""

import re

import numpy as np
import pytest
import torch
from families import ROOT, small
from mmengine.config import Config
from mmengine.registry import METRICS
from mmengine.runner import Runner
from PIL import Image

from mmagic_mikd.apps.launch.launch import read_config
from mmagic_mikd.apps.study.cell import Scores
from mmagic_mikd.utils.errors import ConfigError

FILES = dict(
    re.findall(r'```python\n# (my_\w+)\.py:.*?\n(.*?)```', (ROOT / 'docs' / 'data.md').read_text(), re.S)
)
# of each: smaller networks, and a score that the test has to give
TINY = {
    'my_teacher': (
        {'model.generator.base_channels': 2, 'model.discriminator.base_channels': 2},
        'target/psnr',
    ),
    'my_seasons': (
        {
            'model.generator.base_channels': 2,
            'model.generator.num_blocks': 1,
            'model.discriminator.base_channels': 2,
        },
        'to_summer/avg',
    ),
    'my_deblurring': (
        {
            'model.generator.mid_channels': 4,
            'model.generator.enc_blk_nums': [1],
            'model.generator.dec_blk_nums': [1],
            'train_dataloader.dataset.pipeline.6.gt_patch_size': 32,
        },
        'PSNR',
    ),
    'my_edsr_teacher': ({'model.generator.mid_channels': 4, 'model.generator.num_blocks': 1}, 'Y/PSNR'),
    'my_denoiser': (
        {
            'model.generator.dim': 8,
            'model.generator.num_blocks': [1] * 4,
            'model.generator.num_refinement_blocks': 1,
            'train_dataloader.dataset.pipeline.3.gt_patch_size': 32,
        },
        'PSNR',
    ),
    'my_icons': ({'model.generator.width': 16}, 'swd/avg'),
}
FOLDERS = {  # side and channels of the pictures
    'my_pairs/train/photos': (96, 3),
    'my_pairs/train/labels': (96, 3),
    'my_pairs/test/photos': (96, 3),
    'my_pairs/test/labels': (96, 3),
    'seasons/trainA': (64, 3),
    'seasons/trainB': (64, 3),
    'seasons/testA': (64, 3),
    'seasons/testB': (64, 3),
    'blur/train/blurred': (64, 3),
    'blur/train/sharp': (64, 3),
    'blur/test/blurred': (64, 3),
    'blur/test/sharp': (64, 3),
    'photographs': (101, 3),
    'held_out': (75, 3),
    'icons': (48, 4),
    'noise/train/noisy': (64, 3),
    'noise/train/clean': (64, 3),
    'noise/test/noisy': (64, 3),
    'noise/test/clean': (64, 3),
}


@pytest.fixture
def folders(tmp_path):
    """What the page calls data/..., four pictures each."""
    random = np.random.default_rng(0)
    for name, (side, channels) in FOLDERS.items():
        (tmp_path / name).mkdir(parents=True)
        for number in range(4):
            picture = random.integers(0, 256, (side, side, channels), np.uint8)
            Image.fromarray(picture).save(tmp_path / name / f'{number}.png')
    return tmp_path


def test_super_resolution_by_two_and_by_three_differ_in_the_scale_alone():
    texts = []
    for scale, word in ((2, 'two'), (3, 'three')):
        text = (ROOT / 'configs' / '_base_' / f'sr_x{scale}.py').read_text()
        text = text.replace(f'by {word}', 'by N').replace(f'sr_x{scale}', 'sr_xN')
        for name, value in (
            ('scale=', scale),
            ('crop_border=', scale),
            ('patch_size=', 48 * scale),
            ('1 / ', scale),
        ):
            assert f'{name}{value}' in text
            text = text.replace(f'{name}{value}', f'{name}N')
        texts.append(text)
    assert texts[0] == texts[1]


def test_there_are_six():
    assert FILES.keys() == TINY.keys()


def test_a_score_of_ones_own_is_found_beside_the_config(tmp_path, monkeypatch):
    text = (ROOT / 'docs' / 'data.md').read_text()
    (source,) = re.findall(r'```python\n(# my_score\.py\n.*?)```', text, re.S)
    (tmp_path / 'my_score.py').write_text(source)
    (tmp_path / 'config.py').write_text(
        "custom_imports = dict(imports=['mmagic_mikd', 'my_score'], allow_failed_imports=False)\n"
    )
    with pytest.raises(ConfigError, match='so set PYTHONPATH='):
        read_config(str(tmp_path / 'config.py'))
    monkeypatch.syspath_prepend(tmp_path)
    read_config(str(tmp_path / 'config.py'))
    score = METRICS.build(dict(type='Brightness'))
    assert score.process_image(torch.zeros(3, 4, 4), torch.full((3, 4, 4), 2.0), None) == 2.0


@pytest.mark.slow
@pytest.mark.parametrize('name', TINY)
def test_it_trains_and_is_scored(name, folders):
    options, score = TINY[name]
    (folders / f'{name}.py').write_text(FILES[name].replace("'data/", f"'{folders}/"))
    cfg = Config.fromfile(folders / f'{name}.py')
    best = cfg.default_hooks.checkpoint.save_best
    cfg.merge_from_dict(options)
    runner = Runner.from_cfg(small(cfg, folders / 'work', iters=2, batch_size=2))
    found = Scores()
    runner.register_hook(found)
    runner.train()
    runner.test()
    assert np.isfinite(found.values[score]) and best in found.values
