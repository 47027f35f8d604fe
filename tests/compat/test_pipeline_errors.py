"""What a data pipeline fails on is named: the transform, the file."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from mmagic.utils import register_all_modules
from mmengine.dataset import Compose
from mmengine.registry import TRANSFORMS

from mmagic_mikd.compat.pipeline_errors import unreadable
from mmagic_mikd.utils.errors import ConfigError


def transform(name, error):
    """A transform of this class name that raises."""

    def __call__(self, data):
        raise error

    return type(name, (), {'__call__': __call__, 'key': 'img'})()


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / 'good.png'
    cv2.imwrite(str(path), np.zeros((4, 5, 3), np.uint8))
    return str(path)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(imdecode_backend='PIL'), r'ValueError: backend: PIL is not supported'),
        (dict(imdecode_backend='tifffile'), r'(not a TIFF file|tifffile)'),
        (dict(imdecode_backend='turbojpeg'), r"install the package of imdecode_backend='turbojpeg'"),
        (dict(color_type='gray'), r"color_type='gray' is not known, did you mean 'grayscale'\?"),
        (
            dict(type='LoadPairedImageFromFile', domain_a='a', domain_b='b'),
            r'width of image pair must be even number, but got 5\.\): .* take BasicImageDataset with',
        ),
    ],
)
def test_what_is_no_fault_of_the_picture_is_told_in_the_loaders_words(picture, settings, message):
    register_all_modules()
    loader = TRANSFORMS.build({'type': 'LoadImageFromFile', 'key': 'img', '_scope_': 'mmagic'} | settings)
    with pytest.raises(ConfigError, match=message) as caught:
        Compose([loader])(dict(img_path=picture))
    assert 'good.png' in str(caught.value) and 'repair it' not in str(caught.value)


DATA = dict(img_path='a/small.png', gt_path='a/large.png', img=np.zeros(1))


@pytest.mark.parametrize(
    ('name', 'error', 'message'),
    [
        (
            'LoadImageFromFile',
            AttributeError('ndim'),
            r'^a/small\.png cannot be read as an image \(nothing in',
        ),
        ('LoadImageFromFile', FileNotFoundError(2, 'No such file'), r'small\.png cannot .* \(No such file\)'),
        (
            'LoadImageFromFile',
            KeyError('img_path'),
            r"fails on a/small.png and a/large.png \(KeyError: 'img_path'",
        ),
        (
            'Crop',
            ValueError('too\nsmall'),
            r'^Crop in the data pipeline fails on .* \(ValueError: too small\)',
        ),
    ],
)
def test_the_file_is_named(name, error, message):
    with pytest.raises(ConfigError, match=message):
        Compose([transform(name, error)])(dict(DATA))


@pytest.mark.parametrize(
    'error', [AttributeError('a bug'), TypeError('a bug'), ConfigError('already a sentence')]
)
def test_bugs_of_other_transforms_and_sentences_pass_through(error):
    with pytest.raises(type(error), match=str(error)):
        Compose([transform('Crop', error)])(dict(DATA))


def test_what_does_not_fail_is_as_before():
    assert Compose([lambda data: data | dict(x=1), lambda data: data['x'] + 1])({}) == 2
    assert Compose([lambda data: None, lambda data: 1 / 0])({}) is None  # the data set draws another sample


def test_what_opencv_cannot_do_names_the_file():
    """One channel where a transform expects three."""
    with pytest.raises(ConfigError, match=r'^Normalize in the data pipeline fails on a/small.png'):
        Compose([transform('Normalize', cv2.error('bad number of channels'))])(dict(DATA))


def test_a_file_that_is_there_with_another_suffix_is_named(tmp_path):
    """Label maps as PNG beside photographs as JPEG: a data set takes the names of one folder for both."""
    (tmp_path / '7.jpg').touch()
    missing = dict(photo_path=str(tmp_path / '7.png'))
    message = unreadable(SimpleNamespace(key='photo'), missing, FileNotFoundError(2, 'No such file'))
    assert message.startswith(f'{tmp_path}/7.png is not there, but 7.jpg is: ')


@pytest.mark.parametrize(
    'paths', [dict(gt_path='a/rocket.PNG'), dict(gt_path='a/rocket.PNG', img_path='b/x.png')]
)
def test_a_picture_smaller_than_the_crop_is_named_with_its_size(paths):
    """Also where the small image was made from it, and has no path that the toolbox could tell."""
    register_all_modules()
    crop = TRANSFORMS.build(dict(type='PairedRandomCrop', gt_patch_size=600, _scope_='mmagic'))
    sample = dict(gt=np.zeros((150, 170, 3)), img=np.zeros((75, 85, 3)), scale=2)
    with pytest.raises(
        ConfigError, match=r'^a/rocket\.PNG is 150x170, smaller than gt_patch_size=600 of Paired'
    ):
        Compose([crop])(sample | paths)
