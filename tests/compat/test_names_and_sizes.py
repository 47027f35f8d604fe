"""Names with blanks in an annotation file, and sizes that a U-Net cannot halve."""

import pytest
import torch
from mmagic.registry import DATASETS, MODELS
from mmagic.utils import register_all_modules

from mmagic_mikd.utils.errors import ConfigError


@pytest.mark.parametrize(
    ('line', 'name'),
    [
        ('kg t 0.png (160,200,3)', 'kg t 0'),
        ('kg t 0.png', 'kg t 0'),
        ('a.png (1,2,3)', 'a'),
        ('a.b c/d é.JPG', 'a.b c/d é'),
        ('no_ending 3', 'no_ending'),
    ],
)
def test_a_line_is_read_up_to_the_end_of_the_name(tmp_path, line, name):
    register_all_modules()
    (tmp_path / 'list.txt').write_text(f'{line}\n\n')
    cfg = dict(
        type='BasicImageDataset', ann_file='list.txt', data_root=str(tmp_path), data_prefix=dict(gt='gt')
    )
    (info,) = DATASETS.build(cfg).load_data_list()
    assert info['key'] == name


@pytest.mark.parametrize(('there', 'name'), [('shot.png copy.png', 'shot.png copy'), ('shot.png', 'shot')])
def test_a_file_that_is_there_has_the_longest_name(tmp_path, there, name):
    register_all_modules()
    (tmp_path / 'gt').mkdir()
    (tmp_path / 'gt' / there).touch()
    (tmp_path / 'list.txt').write_text('shot.png copy.png (8,8,3)\n')
    places = dict(data_root=str(tmp_path), data_prefix=dict(gt='gt'))
    (info,) = DATASETS.build(dict(type='BasicImageDataset', ann_file='list.txt', **places)).load_data_list()
    assert info['key'] == name


@pytest.mark.parametrize(
    ('size', 'fits'), [((64, 64), True), ((64, 128), True), ((90, 90), False), ((64, 96), False)]
)
def test_a_unet_says_which_sizes_fit(size, fits):
    register_all_modules()
    net = MODELS.build(dict(type='UnetGenerator', in_channels=3, out_channels=3, num_down=6, base_channels=2))
    image = torch.rand(2, 3, *size)
    if fits:
        assert net(image).shape == image.shape
    else:
        with pytest.raises(ConfigError, match=rf'images of {size[0]}x{size[1]} .* multiples of 64 '):
            net(image)
