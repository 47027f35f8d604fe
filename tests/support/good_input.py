"""Good but unusual pictures: how their files are made, and a run that tells what the networks were given."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
from bad_input_world import CONFIG, World, run_tool
from PIL import Image, ImageOps
from torch import Tensor

DISTILL = 'default_hooks.distill'
PIPELINE = CONFIG['train_dataloader']['dataset']['pipeline'][2:]


def scene(height: int, width: int, number: int, white: int = 255) -> np.ndarray:
    """A coloured picture, RGB (height, width, 3), different for each number."""
    y, x = np.mgrid[:height, :width] / 16
    waves = [np.sin(3 * x * (1 + k) + number) * np.cos(2 * y + k * number) for k in range(3)]
    picture = white * (0.5 + 0.48 * np.stack(waves, -1))
    return picture.astype(np.uint8 if white == 255 else np.uint16)


def grey(picture: np.ndarray) -> np.ndarray:
    return picture[..., 1:2]


def by_pillow(mode: str | None = None, **settings: Any) -> Callable[[np.ndarray, Path], None]:
    """Writes a picture in a mode of Pillow's."""

    def write(picture: np.ndarray, path: Path) -> None:
        image = Image.fromarray(picture.squeeze())
        image = image.convert(mode) if mode else image
        image.save(path, **settings)

    return write


def by_opencv(picture: np.ndarray, path: Path) -> None:
    cv2.imwrite(str(path), picture[..., ::-1])


def rotated(picture: np.ndarray, path: Path) -> None:
    """On its side in the file, which says so, as a telephone writes it."""
    image = Image.fromarray(np.rot90(picture).copy())
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(path, exif=exif, quality=100, subsampling=0)


def decoded(path: Path) -> np.ndarray:
    """RGB, upright, by Pillow, which the toolbox does not use."""
    return np.asarray(ImageOps.exif_transpose(Image.open(path)).convert('RGB'))


def one_channel(white: float) -> dict[str, Any]:
    """Student and teacher for grey pictures."""
    small = dict(in_channels=1, out_channels=1, rgb_mean=[0.0], rgb_std=[1.0])
    changes = {}
    for place in ('model', f'{DISTILL}.teacher.model'):
        changes |= {f'{place}.generator.{key}': value for key, value in small.items()}
        changes |= {f'{place}.data_preprocessor.mean': [0.0], f'{place}.data_preprocessor.std': [white]}
    return changes


def loaded(**settings: Any) -> dict[str, Any]:
    """The pipeline with other settings of its two loaders."""
    load = [dict(type='LoadImageFromFile', key=key, **settings) for key in ('img', 'gt')]
    return {'train_dataloader.dataset.pipeline': [*load, *PIPELINE]}


def pictures(
    world: World, write: Callable[[np.ndarray, Path], None], extension: str, **settings: Any
) -> dict[str, np.ndarray]:
    """Four pairs in place of those of the world; the large ones by the names of their files."""
    made, turned = {}, settings.pop('turned', lambda picture: picture)
    for folder, side in (('small', 8), ('large', 16)):
        for path in (world.root / 'data' / folder).iterdir():
            path.unlink()
        for number in range(4):
            path = world.root / 'data' / folder / f'{number}{extension}'
            picture = turned(scene(side, side, number, **settings))
            write(picture, path)
            made[path.name] = picture
    return made


@contextmanager
def watching() -> Iterator[list[tuple[str, np.ndarray, np.ndarray]]]:
    """File, input and target of every sample that the networks were given, as (H, W, C) of pixel values."""
    from mmagic.models.data_preprocessors import DataPreprocessor

    seen, forward = [], DataPreprocessor.forward

    def preprocess(self, *args: Any, **kwargs: Any) -> dict:
        data = forward(self, *args, **kwargs)
        sample = data['data_samples']
        pixels = (array(image * self.std + self.mean) for image in (data['inputs'], sample.gt_img))
        seen.extend(zip(sample.gt_path, *pixels, strict=True))
        return data

    with patch.object(DataPreprocessor, 'forward', preprocess):
        yield seen


def array(images: Tensor) -> np.ndarray:
    return images.detach().permute(0, 2, 3, 1).numpy()


def given(world: World, changes: dict[str, Any]) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """What two iterations were given; they end well."""
    config = world.config({'log_level': 'ERROR', **changes})
    with watching() as seen:
        code, stderr = run_tool('train', [config.name])
    assert (code, stderr) == (0, '')
    assert (world.root / 'work' / 'iter_2.pth').is_file()
    return seen
