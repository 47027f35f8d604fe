"""Aligned image pairs, photograph (A) left and drawing (B) right: made here, or the user's, checked."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import skimage
from PIL import Image
from skimage.filters import gaussian

from ...utils.errors import ConfigError

# The colour photographs in scikit-image's wheel and, for each, the box (left, top, right, bottom) in
# pixels that only test pictures show. Of the stereo pair only one is used: the other shows the same.
PHOTOS = {
    'astronaut.png': (0, 290, 230, 512),
    'chelsea.png': (245, 70, 400, 200),
    'coffee.png': (330, 190, 600, 400),
    'hubble_deep_field.jpg': (560, 440, 1000, 872),
    'ihc.png': (230, 270, 512, 512),
    'motorcycle_left.png': (500, 210, 741, 500),
    'retina.jpg': (760, 730, 1411, 1411),
    'rocket.jpg': (420, 100, 640, 427),
}
MARGIN = 8  # pixels around the test box that nobody sees
SIDES = (0.22, 0.42)  # side of a crop as a share of the photograph's shorter side
FLATTEST = 6.0  # a crop whose grey values deviate less has nothing to draw
SUFFIXES = {'.jpg', '.jpeg', '.png', '.ppm', '.bmp', '.tif', '.tiff'}

Box = tuple[int, int, int, int]


class Pairs(NamedTuple):
    """A folder of pairs: how many to train with, how many to test with and where the latter lie."""

    root: Path
    train: int
    test: int
    test_dir: str


def make_pairs(root: Path, size: int, train: int, test: int, seed: int = 0) -> Pairs:
    """Cut squares from the photographs, draw their edges, save both side by side.

    Training pictures have 9/8 of the size, room for a random crop.

    Args:
        size: side of a test picture in pixels.
        train, test: pictures per photograph.
    """
    rng = np.random.default_rng(seed)
    for split, count, side in (('train', train, size * 9 // 8), ('test', test, size)):
        (root / split).mkdir(parents=True, exist_ok=True)
        for name, held_out in PHOTOS.items():
            photo = open_photo(name)
            for index in range(count):
                crop = photo.crop(draw_box(photo, held_out, split, rng))
                crop = crop.resize((side, side), Image.Resampling.BICUBIC)
                # Number first: Pix2Pix normalises by the batch, so a batch should mix the photographs.
                side_by_side(crop).save(root / split / f'{index:03d}_{Path(name).stem}.png')
    return Pairs(root, train * len(PHOTOS), test * len(PHOTOS), 'test')


def open_photo(name: str) -> Image.Image:
    path = Path(skimage.__file__).parent / 'data' / name
    if not path.is_file():
        raise ConfigError(
            f'this scikit-image has no {path}; install the version in requirements/runtime.txt, '
            'or give pairs of your own with --data'
        )
    return Image.open(path).convert('RGB')


def draw_box(photo: Image.Image, held_out: Box, split: str, rng: np.random.Generator) -> Box:
    """A random square with something in it: for 'test' inside the held-out box, for 'train' clear of it."""
    room = held_out if split == 'test' else (0, 0, *photo.size)
    while True:
        box = random_square(room, rng.uniform(*SIDES) * min(photo.size), rng)
        allowed = split == 'test' or not overlap(box, held_out, MARGIN)
        if allowed and np.std(photo.crop(box).convert('L')) > FLATTEST:
            return box


def random_square(room: Box, side: float, rng: np.random.Generator) -> Box:
    left, top, right, bottom = room
    side = min(int(side), right - left, bottom - top)
    x = int(rng.integers(left, right - side + 1))
    y = int(rng.integers(top, bottom - side + 1))
    return x, y, x + side, y + side


def overlap(a: Box, b: Box, margin: int = 0) -> bool:
    return a[0] < b[2] + margin and b[0] < a[2] + margin and a[1] < b[3] + margin and b[1] < a[3] + margin


def side_by_side(photo: Image.Image) -> Image.Image:
    """The photograph and its edges: grey where it is even, light and dark along a line's two sides."""
    grey = np.asarray(photo.convert('L')) / 255.0
    edges = grey - gaussian(grey, photo.height / 32)
    drawing = Image.fromarray(np.uint8(255 * np.clip(0.5 + 2 * edges, 0, 1))).convert('RGB')
    pair = Image.new('RGB', (2 * photo.width, photo.height))
    pair.paste(photo, (0, 0))
    pair.paste(drawing, (photo.width, 0))
    return pair


def check_pairs(root: Path, at_least: int) -> Pairs:
    """Open every picture of a user's folder.

    Raises:
        ConfigError: a folder is missing, a picture is unreadable or cannot be halved, or there are
            fewer than ``at_least`` to train with or two to test with.
    """
    test_dir = next((name for name in ('test', 'val') if (root / name).is_dir()), None)
    if test_dir is None or not (root / 'train').is_dir():
        raise ConfigError(
            f'--data {root} needs a folder train and a folder test or val, '
            'each with pictures that hold the two halves of a pair side by side'
        )
    train, test = (count_pairs(root / name) for name in ('train', test_dir))
    for name, count, needed in (('train', train, at_least), (test_dir, test, 2)):
        if count < needed:
            raise ConfigError(f'{root / name} has {count} pictures; at least {needed} are needed')
    return Pairs(root.resolve(), train, test, test_dir)


def count_pairs(folder: Path) -> int:
    return sum(1 for path in pictures(folder) if is_pair(path))


def pictures(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob('*')) if path.suffix.lower() in SUFFIXES)


def is_pair(path: Path) -> bool:
    try:
        with Image.open(path) as picture:
            picture.load()  # a truncated file shows only here
            width = picture.width
    except (OSError, SyntaxError) as error:
        raise ConfigError(f'{path} cannot be read ({error}): repair or remove it') from None
    if width % 2:
        raise ConfigError(f'{path} is {width} pixels wide; two halves side by side need an even width')
    return True
