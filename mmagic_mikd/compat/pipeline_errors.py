"""An unreadable picture ends a training with "AttributeError: 'NoneType' object has no attribute 'ndim'".

Neither that nor what other transforms say about a sample (too small for the crop, without the key that
they expect) names the file, and which one it was is lost in a data loader's worker. No upstream thread.
Unreadable is what the system cannot read or nobody can decode; all else that a loader dies of is told in
its own words.
Delete this file when `Compose` of MMEngine names the sample in its errors.
"""

from pathlib import Path

import cv2
import numpy as np

from ..utils.checks import proposal, quoted
from ..utils.errors import ConfigError
from . import on_import

# What transforms raise about their input; anything else is a bug and keeps its type.
ABOUT_THE_INPUT = (AssertionError, KeyError, OSError, ValueError, cv2.error)


def apply(report) -> None:
    on_import.after('mmengine.dataset.base_dataset', lambda module: report(repair(module)))


def repair(module) -> bool:
    """Let `Compose` say which transform failed, on which file."""

    def __call__(self, data):
        for transform in self.transforms:
            loads = type(transform).__name__.startswith('Load')
            try:
                transformed = transform(data)
            except ConfigError:
                raise
            except Exception as error:
                if loads and not isinstance(error, KeyError) and is_unreadable(transform, data, error):
                    raise ConfigError(unreadable(transform, data, error)) from error
                if loads or isinstance(error, ABOUT_THE_INPUT):
                    raise ConfigError(unfit(transform, data, error)) from error
                raise
            if transformed is None:
                return None
            data = transformed
        return data

    module.Compose.__call__ = __call__
    return True


def is_unreadable(transform, data, error: Exception) -> bool:
    return isinstance(error, OSError) or not all(
        map(decodes, paths_of(data, getattr(transform, 'key', None)))
    )


def decodes(path: str) -> bool:
    """Whether this is a picture, whatever the transform makes of it."""
    try:
        return cv2.imdecode(np.fromfile(Path(path), np.uint8), cv2.IMREAD_UNCHANGED) is not None
    except (OSError, cv2.error):
        return False


def unreadable(transform, data, error: Exception) -> str:
    reason = getattr(error, 'strerror', None) or 'nothing in it can be decoded'
    paths = paths_of(data, getattr(transform, 'key', None))
    files = ' and '.join(paths)
    if others := [other.name for path in paths for other in namesakes(Path(path))]:
        return (
            f'{files} is not there, but {others[0]} is: a data set takes the names of one folder, with their '
            'suffix, for the other; save both in one format'
        )
    return f'{files} cannot be read as an image ({reason}): repair it, or remove it from the data'


def namesakes(path: Path) -> list[Path]:
    """Files that differ from one that is not there in their suffix only."""
    if path.exists() or not path.parent.is_dir():
        return []
    return sorted(other for other in path.parent.iterdir() if other.stem == path.stem)


def unfit(transform, data, error: Exception) -> str:
    if small := too_small(transform, data):
        return small
    name, files = type(transform).__name__, files_of(data)
    where = f' on {files}' if files else ''
    reason = quoted(f'{type(error).__name__}: {error}', 120)
    return f'{name} in the data pipeline fails{where} ({reason}): {remedy(transform, error)}'


def too_small(transform, data) -> str | None:
    """`PairedRandomCrop` asks for the path of an image to say so, which one made from its target has not."""
    side, key = (getattr(transform, name, None) for name in ('gt_patch_size', 'gt_key'))
    image = data.get(key) if isinstance(data, dict) and side and key else None
    image = image[0] if isinstance(image, list) and image else image
    size = getattr(image, 'shape', ())[:2]
    if not size or min(size) >= side:
        return None
    return (
        f'{files_of(data, key) or key} is {size[0]}x{size[1]}, smaller than gt_patch_size={side} of '
        f'{type(transform).__name__} in the data pipeline: lower that, or take such pictures out of the data'
    )


COLOUR_TYPES = ('color', 'grayscale', 'unchanged', 'color_ignore_orientation', 'grayscale_ignore_orientation')


def remedy(transform, error: Exception) -> str:
    """What to change, as far as the transform and what it has said tell."""
    colour, backend = (getattr(transform, name, None) for name in ('color_type', 'imdecode_backend'))
    if isinstance(error, KeyError) and error.args == (colour,):
        return f'color_type={colour!r} is not known, {proposal(str(colour), COLOUR_TYPES)}'
    if 'width of image pair' in str(error):
        return (
            'it wants both images side by side in one file; for two folders take BasicImageDataset with '
            "data_prefix=dict(img_A='A', img_B='B') and a LoadImageFromFile for each key"
        )
    if backend and isinstance(error, AttributeError | ImportError):
        return f'install the package of imdecode_backend={backend!r}, or leave that out'
    return 'change its settings, or the data to what it expects'


def files_of(data, key: str | None = None) -> str:
    return ' and '.join(paths_of(data, key))


def paths_of(data, key: str | None = None) -> list[str]:
    """The files that a sample is made of, or those under ``key``."""
    if not isinstance(data, dict):
        return []
    paths = {name: data[name] for name in data if isinstance(name, str) and name.endswith('_path')}
    wanted = [paths[f'{key}_path']] if f'{key}_path' in paths else list(paths.values())
    flat = [path for each in wanted for path in (each if isinstance(each, list | tuple) else [each])]
    return list(dict.fromkeys(map(str, flat)))
