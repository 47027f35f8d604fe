"""Pictures of the showcase: what is trained on, what is tested on, and a user's own folder."""

import numpy as np
import pytest
from PIL import Image

from mmagic_mikd.apps.showcase import patches
from mmagic_mikd.utils.errors import ConfigError


@pytest.fixture
def halves():
    """Noise, dark where the test looks: two thirds of the width and height on, at the lower right."""
    values = np.random.default_rng(0).integers(128, 256, (300, 300, 3), np.uint8)
    values[200:, 200:] //= 8
    return dict(one=(Image.fromarray(values), (200, 200, 300, 300)))


def cut(photographs, root, count=12, seed=0):
    patches.cut(photographs, root, count, side=8, test_side=16, seed=seed)
    return {
        name: [np.asarray(Image.open(p)) for p in sorted((root / name).iterdir())]
        for name in ('img', 'gt', 'test')
    }


def test_no_pixel_of_the_test_is_trained_on(tmp_path, halves):
    made = cut(halves, tmp_path)
    assert len(made['img']) == len(made['gt']) == 12 and len(made['test']) == 1
    assert min(picture.min() for picture in made['gt']) > 100 and made['test'][0].max() < 40


def test_an_input_is_its_original_four_times_smaller(tmp_path, halves):
    made = cut(halves, tmp_path)
    for small, large in zip(made['img'], made['gt'], strict=True):
        assert small.shape == (8, 8, 3) and large.shape == (32, 32, 3)
        means = large.reshape(8, 4, 8, 4, 3).mean((1, 3))
        assert abs(small.astype(float) - means).mean() < 12  # bicubic, and some are JPEG
    assert made['test'][0].shape == (16, 16, 3)


def test_the_seed_decides(tmp_path, halves):
    first, again, other = (cut(halves, tmp_path / n, seed=s) for n, s in (('a', 0), ('b', 0), ('c', 1)))
    assert all(np.array_equal(a, b) for a, b in zip(first['img'], again['img'], strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first['img'], other['img'], strict=True))


def test_a_folder_of_one_s_own(tmp_path):
    Image.new('RGB', (90, 60)).save(tmp_path / 'mine.png')
    ((photo, box),) = patches.of_folder(tmp_path, 60).values()
    assert photo.size == (90, 60) and box == (60, 40, 90, 60)
    with pytest.raises(ConfigError, match=r'mine.png has 90 x 60 pixels; at least 61'):
        patches.of_folder(tmp_path, 61)
    (tmp_path / 'broken.jpg').write_bytes(b'no picture')
    with pytest.raises(ConfigError, match=r'broken.jpg cannot be read'):
        patches.of_folder(tmp_path, 60)
    with pytest.raises(ConfigError, match='holds no photographs'):
        patches.of_folder(tmp_path / 'nowhere', 60)


def test_photographs_of_one_stem_are_all_there(tmp_path):
    """Each under a name of its own, even where one is called as the whole name of another."""
    places = ('a.png', 'a.jpg', 'x/a.png', 'x%2Fa.png', 'x%2Fa.jpg', 'a.png.png', 'alone.png')
    for place in places:
        (tmp_path / place).parent.mkdir(exist_ok=True)
        Image.new('RGB', (60, 60)).save(tmp_path / place)
    found = patches.of_folder(tmp_path, 60)
    assert set(found) == {'a.png', 'a.jpg', 'x%2Fa.png', 'x%252Fa.png', 'x%252Fa.jpg', 'a.png.png', 'alone'}
    patches.cut(found, tmp_path / 'cut', 1, side=4, test_side=4, seed=0)
    assert len(list((tmp_path / 'cut' / 'test').iterdir())) == len(places)
