"""Pairs made from scikit-image's photographs, and the check of a user's own."""

import itertools

import numpy as np
import pytest
from PIL import Image
from places import ROOT

from mmagic_mikd.apps.quickstart import pairs
from mmagic_mikd.apps.quickstart.pairs import PHOTOS, check_pairs, draw_box, make_pairs, open_photo, overlap
from mmagic_mikd.utils.errors import ConfigError

FACADES = ROOT.parent / 'shared' / 'data' / 'facades'


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp('pairs')
    return make_pairs(root, size=64, train=3, test=2, seed=1)


@pytest.mark.parametrize('name', PHOTOS)
def test_no_pixel_is_both_trained_and_tested_on(name):
    photo, held_out, rng = open_photo(name), PHOTOS[name], np.random.default_rng(0)
    seen = np.zeros(photo.size[::-1], int)
    for split, bit in (('train', 1), ('test', 2)):
        for _ in range(40):
            left, top, right, bottom = draw_box(photo, held_out, split, rng)
            assert 0 <= left < right <= photo.width and 0 <= top < bottom <= photo.height
            assert right - left == bottom - top
            seen[top:bottom, left:right] |= bit
    assert (seen == 1).any() and (seen == 2).any() and not (seen == 3).any()
    near = np.argwhere(seen == 2)
    (top, left), (bottom, right) = near.min(0), near.max(0) + 1
    margin = pairs.MARGIN
    around = seen[max(top - margin, 0) : bottom + margin, max(left - margin, 0) : right + margin]
    assert not (around & 1).any()


def test_overlap_counts_the_margin():
    box = (10, 10, 20, 20)
    assert overlap(box, (19, 19, 30, 30)) and not overlap(box, (20, 10, 30, 20))
    assert overlap(box, (20, 10, 30, 20), margin=1) and not overlap(box, (22, 10, 30, 20), margin=2)


def test_counts_sizes_and_names(made):
    assert (made.train, made.test, made.test_dir) == (24, 16, 'test')
    for split, count, side in (('train', 24, 72), ('test', 16, 64)):
        files = sorted((made.root / split).iterdir())
        assert len(files) == count
        assert {Image.open(file).size for file in files} == {(2 * side, side)}
        # neighbours are different photographs: evaluation normalises by the batch
        names = [file.stem.partition('_')[2] for file in files[: len(PHOTOS)]]
        assert len(set(names)) == len(PHOTOS)


def test_left_is_the_photograph_and_right_its_edges(made):
    pair = np.asarray(Image.open(made.root / 'test' / '000_coffee.png')).astype(float)
    photo, drawing = pair[:, :64], pair[:, 64:]
    assert (drawing.min(2) == drawing.max(2)).all()  # grey
    assert (photo.max(2) - photo.min(2)).mean() > 30  # a red saucer on brown wood is not
    slope = np.hypot(*np.gradient(photo.mean(2)))
    assert np.corrcoef(slope.ravel(), abs(drawing[..., 0] - 127).ravel())[0, 1] > 0.3


def test_an_even_area_is_drawn_grey():
    drawing = np.asarray(pairs.side_by_side(Image.new('RGB', (64, 64), (200, 30, 90))))[:, 64:]
    assert set(np.unique(drawing)) == {127}


def test_same_seed_same_bytes_other_seed_other_pictures(made, tmp_path):
    def content(root):
        return [file.read_bytes() for file in sorted(root.rglob('*.png'))]

    again = make_pairs(tmp_path / 'again', size=64, train=3, test=2, seed=1)
    other = make_pairs(tmp_path / 'other', size=64, train=3, test=2, seed=2)
    assert content(made.root) == content(again.root)
    assert not set(content(made.root)) & set(content(other.root))


def test_a_photograph_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(PHOTOS, 'unheard_of.png', (0, 0, 9, 9))
    with pytest.raises(ConfigError, match=r'unheard_of\.png.*--data'):
        open_photo('unheard_of.png')


@pytest.fixture
def own(tmp_path):
    """A user's folder: 8 pairs to train with and 2 to validate with."""
    for split, count in (('train', 8), ('val', 2)):
        (tmp_path / split).mkdir()
        for index in range(count):
            Image.new('RGB', (40, 20), (index, 0, 0)).save(tmp_path / split / f'{index}.jpg')
    return tmp_path


def test_own_pairs_are_counted_and_test_is_preferred_to_val(own):
    assert check_pairs(own, 8) == (own, 8, 2, 'val')
    (own / 'test').mkdir()
    for index in range(3):
        Image.new('RGB', (40, 20)).save(own / 'test' / f'{index}.PNG')
    assert check_pairs(own, 8) == (own, 8, 3, 'test')


def test_pictures_in_subfolders_count_and_other_files_do_not(own):
    (own / 'train' / 'more').mkdir()
    Image.new('RGB', (40, 20)).save(own / 'train' / 'more' / '0.png')
    (own / 'train' / 'notes.txt').write_text('no picture')
    assert check_pairs(own, 8).train == 9


def spoil(own, how):
    picture = own / 'train' / '3.jpg'
    if how == 'odd':
        Image.new('RGB', (41, 20)).save(picture)
    elif how == 'truncated':
        Image.effect_noise((40, 20), 90).save(picture)
        picture.write_bytes(picture.read_bytes()[:-200])
    elif how == 'no picture':
        picture.write_text('hello')
    elif how == 'few':
        picture.unlink()
    elif how == 'no train':
        (own / 'train').rename(own / 'training')
    elif how == 'no test':
        (own / 'val').rename(own / 'valid')


@pytest.mark.parametrize(
    ('how', 'message'),
    [
        ('odd', r'3\.jpg is 41 pixels wide.*even width'),
        ('truncated', r'3\.jpg cannot be read'),
        ('no picture', r'3\.jpg cannot be read'),
        ('few', r'train has 7 pictures; at least 8'),
        ('no train', r'needs a folder train'),
        ('no test', r'a folder test or val'),
    ],
)
def test_bad_data_is_named_with_its_file(own, how, message):
    spoil(own, how)
    with pytest.raises(ConfigError, match=message):
        check_pairs(own, 8)


def test_real_facades_are_accepted():
    if not FACADES.is_dir():
        pytest.skip('needs the real images in ../shared/data/facades')
    assert check_pairs(FACADES, 8)[1:] == (400, 106, 'test')


def test_every_held_out_box_lies_in_its_photograph_and_has_room():
    for name, (left, top, right, bottom) in PHOTOS.items():
        photo = open_photo(name)
        assert 0 <= left < right <= photo.width and 0 <= top < bottom <= photo.height
        largest = pairs.SIDES[1] * min(photo.size)
        assert min(right - left, bottom - top) >= largest, name
    for a, b in itertools.combinations(PHOTOS, 2):
        assert a != b.replace('left', 'right')  # never both pictures of the stereo pair
