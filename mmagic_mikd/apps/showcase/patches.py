"""Small pictures to train and test with, cut from the photographs of scikit-image or from a user's own."""

import io
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ...utils.errors import ConfigError
from ..quickstart.pairs import (
    FLATTEST,
    MARGIN,
    PHOTOS,
    SUFFIXES,
    Box,
    open_photo,
    overlap,
    pictures,
    random_square,
)

SCALE = 4
REDUCED = (1.0, 1.5)  # a training photograph is first made so much smaller, for variety
COMPRESSED = 0.3  # share of the training inputs that are JPEG of a quality between these
QUALITIES = (60, 96)


def cut(
    photographs: Mapping[str, tuple[Image.Image, Box]],
    root: Path,
    count: int,
    side: int,
    test_side: int,
    seed: int,
) -> None:
    """Write training pairs into img and gt, and what only the test shows into test, four times smaller.

    Args:
        photographs: by name, each with the box that only the test shows.
        count: of training pairs.
        side: of an input to train with, in pixels; its original is four times as large.
        test_side: of an input to test with, at most.
        seed: of the places.
    """
    rng = np.random.default_rng(seed)
    for folder in ('img', 'gt', 'test'):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for name, (photo, held_out) in photographs.items():
        reduced(photo.crop(held_out), test_side).save(root / 'test' / f'{name}.png')
    for number in range(count):
        photo, held_out = list(photographs.values())[number % len(photographs)]
        large = turned(original(photo, held_out, side * SCALE, rng), rng)
        small = compressed(large.resize((side, side), Image.Resampling.BICUBIC), rng)
        large.save(root / 'gt' / f'{number:04d}.png')
        small.save(root / 'img' / f'{number:04d}.png')


def reduced(picture: Image.Image, most: int) -> Image.Image:
    """The middle of a picture, four times smaller."""
    wide, high = (min(length // SCALE, most) for length in picture.size)
    left, top = (
        (length - SCALE * side) // 2 for length, side in zip(picture.size, (wide, high), strict=True)
    )
    middle = picture.crop((left, top, left + SCALE * wide, top + SCALE * high))
    return middle.resize((wide, high), Image.Resampling.BICUBIC)


def original(photo: Image.Image, held_out: Box, side: int, rng: np.random.Generator) -> Image.Image:
    """A square clear of the held-out box, with something in it if there is any."""
    shorter = min(photo.size)
    for attempt in range(1000):
        wide = min(side * rng.uniform(*REDUCED), shorter)
        box = random_square((0, 0, *photo.size), wide, rng)
        if overlap(box, held_out, MARGIN):
            continue
        if attempt > 500 or np.std(photo.crop(box).convert('L')) > FLATTEST:
            return photo.crop(box).resize((side, side), Image.Resampling.LANCZOS)
    raise ConfigError(
        f'a photograph of {photo.width} x {photo.height} is too small to cut {side} pixels from'
    )


def turned(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """One of its eight positions."""
    picture = ImageOps.mirror(picture) if rng.random() < 0.5 else picture
    return picture.rotate(90 * int(rng.integers(4)))


def compressed(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    if rng.random() >= COMPRESSED:
        return picture
    file = io.BytesIO()
    picture.save(file, 'JPEG', quality=int(rng.integers(*QUALITIES)))
    return Image.open(file).convert('RGB')


def of_scikit_image() -> dict[str, tuple[Image.Image, Box]]:
    return {Path(name).stem: (open_photo(name), box) for name, box in PHOTOS.items()}


def of_folder(folder: Path, least: int) -> dict[str, tuple[Image.Image, Box]]:
    """A user's photographs; the test has the lower right corner of each, a third of either side.

    Raises:
        ConfigError: there are none, or one is unreadable or smaller than ``least`` pixels.
    """
    found = {name: _opened(path, least) for name, path in _named(pictures(folder), folder).items()}
    if not found:
        raise ConfigError(f'--data {folder} holds no photographs ({", ".join(sorted(SUFFIXES))})')
    return {
        name: (photo, (photo.width * 2 // 3, photo.height * 2 // 3, *photo.size))
        for name, photo in found.items()
    }


def _named(paths: Iterable[Path], folder: Path) -> dict[str, Path]:
    """By stem; those of one stem by their whole path in the folder, as the name of a file."""
    whole = {p.relative_to(folder).as_posix().replace('%', '%25').replace('/', '%2F'): p for p in paths}
    stems = Counter(path.stem for path in whole.values())
    return {
        path.stem if stems[path.stem] == 1 and path.stem not in whole else name: path
        for name, path in whole.items()
    }


def _opened(path: Path, least: int) -> Image.Image:
    try:
        photo = Image.open(path).convert('RGB')
    except (OSError, SyntaxError) as error:
        raise ConfigError(f'{path} cannot be read ({error}): repair or remove it') from None
    if min(photo.size) < least:
        raise ConfigError(
            f'{path} has {photo.width} x {photo.height} pixels; at least {least} a side are needed'
        )
    return photo
