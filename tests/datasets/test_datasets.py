"""What small data sets need: images decoded once, a validation part, pictures on white."""

import cv2
import numpy as np
import pytest
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS

from mmagic_mikd.datasets.cache import Cached
from mmagic_mikd.datasets.folds import UnpairedImageFold
from mmagic_mikd.datasets.on_white import OnWhite
from mmagic_mikd.utils.errors import ConfigError


@TRANSFORMS.register_module()
class Decode(BaseTransform):
    """Counts how often it works."""

    calls = 0

    def transform(self, results):
        Decode.calls += 1
        return {**results, 'img': np.full((2, 2, 3), ord(results['img_path'][0]))}


def test_files_are_decoded_once_and_nobody_else_can_change_them():
    cached, Decode.calls = Cached([dict(type='Decode')], path='img_path'), 0
    first = cached(dict(img_path='a', other=1))
    first['img'] += 100  # as a flip in place does
    again, b = cached(dict(img_path='a', other=2)), cached(dict(img_path='b', other=3))
    assert again['img'].max() == ord('a') and again['other'] == 2
    assert b['img'].max() == ord('b') and Decode.calls == 2


def test_pictures_on_white():
    picture = np.zeros((1, 3, 4), np.uint8)
    picture[0, :, 3] = 0, 128, 255  # black: transparent, half, opaque
    picture[0, 2, :3] = 7, 8, 9
    flat = OnWhite('gt')(dict(gt=picture))['gt']
    assert flat.dtype == np.uint8 and flat.tolist() == [[[255] * 3, [127] * 3, [7, 8, 9]]]


def test_pictures_of_16_bits_on_white():
    picture = np.zeros((1, 3, 4), np.uint16)
    picture[0, :, 3] = 0, 32768, 65535
    picture[0, 2, :3] = 700, 8000, 60000
    flat = OnWhite('gt')(dict(gt=picture))['gt']
    assert flat.dtype == np.uint16 and flat.tolist() == [[[65535] * 3, [32767] * 3, [700, 8000, 60000]]]


def test_a_picture_of_two_channels_is_named():
    with pytest.raises(ConfigError, match=r'a\.png has 2 channels: save it as grey, RGB or RGBA'):
        OnWhite('gt')(dict(gt=np.zeros((2, 2, 2), np.uint8), gt_path='a.png'))


@pytest.fixture
def unpaired(tmp_path):
    """A folder of ten and seven pictures."""
    for domain, count in (('A', 10), ('B', 7)):
        (tmp_path / f'train{domain}').mkdir()
        for number in range(count):
            cv2.imwrite(str(tmp_path / f'train{domain}' / f'{number}.png'), np.zeros((2, 2, 3), np.uint8))
    return tmp_path


def test_folds_share_no_image_and_leave_none_out(unpaired):
    train = UnpairedImageFold(str(unpaired), [], folds=5, kept=[0, 1, 2, 3])
    held_out = UnpairedImageFold(str(unpaired), [], folds=5, kept=[4], fixed=True)
    for domain, count in (('a', 10), ('b', 7)):
        names = [{i['path'] for i in getattr(d, f'data_infos_{domain}')} for d in (train, held_out)]
        assert not names[0] & names[1] and len(names[0] | names[1]) == count
    assert (len(train), len(held_out)) == (8, 2)
    pairs = [held_out.get_data_info(0)['img_B_path'] for _ in range(5)]
    assert len(set(pairs)) == 1  # not drawn


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(folds=5, kept=[5]), r'kept=\[5\] must be a list of folds, numbers from 0 to 4'),
        (dict(folds=5, kept=1), 'kept=1 must be a list of folds'),
        (dict(folds=5, kept=[]), r'kept=\[\] must be a list of folds'),
        (dict(folds=0, kept=[0]), 'folds=0 must be a whole number of at least 1'),
        (dict(folds=10, kept=[8, 7]), r'.*trainB has 7 images, of which kept=\[7, 8\] of folds=10 is none'),
    ],
)
def test_folds_that_are_none_are_refused(unpaired, settings, message):
    with pytest.raises(ConfigError, match=f'UnpairedImageFold: {message}'):
        UnpairedImageFold(str(unpaired), [], **settings)


@pytest.mark.parametrize('shape', [(4, 5, 3), (4, 5, 1), (4, 5)])
def test_pictures_without_transparency_stay_as_they_are(shape):
    """A folder of icons holds both kinds."""
    picture = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    kept = OnWhite('gt')(dict(gt=picture))['gt']
    assert kept.shape == (4, 5, 3) and kept.dtype == np.uint8
    assert (kept == picture.reshape(4, 5, -1)).all()
