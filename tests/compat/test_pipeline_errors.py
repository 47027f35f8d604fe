"""What a data pipeline fails on is named: the transform, the file."""

import numpy as np
import pytest
from mmengine.dataset import Compose

from mmagic_mikd.utils.errors import ConfigError


def transform(name, error):
    """A transform of this class name that raises."""

    def __call__(self, data):
        raise error

    return type(name, (), {'__call__': __call__, 'key': 'img'})()


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
