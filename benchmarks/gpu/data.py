"""The data sets that the tiny runs of the tests load: those of the shared folder, else made of photographs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from mmagic_mikd.apps.quickstart.pairs import PHOTOS, draw_box, make_pairs, open_photo

ROOT = Path(__file__).resolve().parents[2]
SHARED = (ROOT.parent / 'shared' / 'data', ROOT / 'shared' / 'data')


def lay_out(folder: Path, small: bool) -> dict[str, str]:
    """Fill a folder with all of them, by links where they are there; where each is from.

    Args:
        small: what is made, facades that is, is for a dry run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    origins = {}
    for name, make in MAKERS.items():
        found = next((place / name for place in SHARED if (place / name).is_dir()), None)
        origins[name] = 'shared' if found else 'made of the photographs of scikit-image'
        if found:
            (folder / name).symlink_to(found)
        elif name == 'facades' and small:
            make(folder / name, size=64, train=2, test=1)
        else:
            make(folder / name)
    return origins


def crops(folder: Path, count: int, side: int, seed: int = 0) -> list[Image.Image]:
    """Squares of the photographs, saved as PNG."""
    folder.mkdir(parents=True)
    draw, names, made = np.random.default_rng(seed), list(PHOTOS), []
    for index in range(count):
        name = names[index % len(names)]
        photo = open_photo(name)
        box = draw_box(photo, PHOTOS[name], 'train', draw)
        made.append(photo.crop(box).resize((side, side), Image.Resampling.BICUBIC))
        made[-1].save(folder / f'{index:03d}.png')
    return made


def facades(folder: Path, size: int = 256, train: int = 10, test: int = 5) -> None:
    make_pairs(folder, size, train, test)
    (folder / 'val').symlink_to(folder / 'test')


def summer2winter(folder: Path) -> None:
    for seed, part in enumerate(('trainA', 'trainB', 'testA', 'testB')):
        crops(folder / part, 8, 64, seed)


def photographs(folder: Path) -> None:
    crops(folder / 'images', 8, 160)


def standard_set(folder: Path) -> None:
    for index, large in enumerate(crops(folder / 'GT', 4, 128)):
        (folder / 'LR_x4').mkdir(exist_ok=True)
        large.resize((32, 32), Image.Resampling.BICUBIC).save(folder / 'LR_x4' / f'{index:03d}.png')


def pictograms(folder: Path) -> None:
    """Discs of colour on nothing."""
    (folder / 'images').mkdir(parents=True)
    rows, columns = np.mgrid[:128, :128]
    draw = np.random.default_rng(0)
    for index in range(8):
        (x, y), radius = draw.integers(40, 88, 2), draw.integers(20, 40)
        pixels = np.zeros((128, 128, 4), np.uint8)
        pixels[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = [*draw.integers(0, 256, 3), 255]
        Image.fromarray(pixels).save(folder / 'images' / f'{index}.png')


MAKERS: dict[str, Callable[..., None]] = dict(
    facades=facades,
    summer2winter=summer2winter,
    sr_bsds200_train=photographs,
    sr_set5=standard_set,
    sr_set14=standard_set,
    noto_emoji_128=pictograms,
)
