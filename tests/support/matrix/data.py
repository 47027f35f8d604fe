"""Tiny batches for any MMagic config: what its own pipeline holds just before its own `PackInputs`.

The pictures are random crops of one photograph (a synthetic one where the real data are absent).
"""

from functools import cache

import cv2
import numpy as np
import torch
from mmagic.registry import DATASETS, TRANSFORMS
from places import ROOT
from torch.utils.data import Dataset

PHOTOGRAPH = ROOT.parent / 'shared' / 'data' / 'sr_set14' / 'GT' / 'zebra.png'


@cache
def photograph() -> np.ndarray:
    """(H, W, 3), uint8."""
    if PHOTOGRAPH.is_file():
        return cv2.imread(str(PHOTOGRAPH))
    y, x = np.mgrid[:300, :400] / 10
    waves = [np.sin(x * a) * np.cos(y * b) for a, b in ((1, 2), (2, 1), (0.3, 0.7))]
    return (127.5 + 127 * np.stack(waves, -1)).astype(np.uint8)


class Camera:
    """Pictures of one random place, so that all fields of a sample show the same."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        height, width = photograph().shape[:2]
        self.y, self.x = self.rng.integers(0, (height - 136, width - 136))

    def picture(self, size: int, shift: int = 0) -> np.ndarray:
        crop = photograph()[self.y : self.y + 128, self.x + shift : self.x + shift + 128]
        return cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)

    def clip(self, size: int, frames: int) -> list[np.ndarray]:
        return [self.picture(size, shift) for shift in range(frames)]

    def mask(self, size: int) -> np.ndarray:
        """(H, W, 1), one inside of the hole."""
        mask = np.zeros((size, size, 1), np.float32)
        mask[size // 4 : size // 2, size // 4 : size // 2] = 1
        return mask


def image(camera: Camera, size: int) -> dict:
    return dict(gt=camera.picture(size))


def labelled(camera: Camera, size: int) -> dict:
    return dict(gt=camera.picture(size), gt_label=int(camera.rng.integers(10)))


def domains(camera: Camera, size: int, keys: list[str]) -> dict:
    return {key: camera.picture(size, shift) for shift, key in enumerate(keys)}


def pyramid(camera: Camera, sizes: list[int]) -> dict:
    """SinGAN's one image in all its scales, channels first and normalised."""
    scales = [camera.picture(size).transpose(2, 0, 1) / 127.5 - 1 for size in sizes]
    scales = [torch.from_numpy(scale).float() for scale in scales]
    return {f'real_scale{i}': scale for i, scale in enumerate(scales)} | dict(
        input_sample=torch.zeros_like(scales[0])
    )


def restoration(camera: Camera, size: int, scale: int = 1) -> dict:
    gt = camera.picture(size * scale)
    return dict(img=camera.picture(size), gt=gt, gt_unsharp=gt)


def face(camera: Camera, size: int, scale: int, keypoints: int) -> dict:
    heatmap = camera.rng.random((2 * size, 2 * size, keypoints), np.float32)
    return restoration(camera, size, scale) | dict(gt_heatmap=heatmap)


def reference(camera: Camera, size: int, scale: int) -> dict:
    """A second picture to take textures from, and both as upsampled low resolutions."""
    ref = camera.picture(size * scale, 5)
    return restoration(camera, size, scale) | dict(img_lq=camera.picture(size * scale), ref=ref, ref_lq=ref)


def points(camera: Camera, size: int, count: int) -> dict:
    """Colours at ``count`` random coordinates, not a picture."""
    values = [camera.rng.random((count, columns), np.float32) for columns in (3, 2, 2)]
    gt, coord, cell = map(torch.from_numpy, values)
    return dict(img=camera.picture(size), gt=gt, coord=coord, cell=cell)


def clip(camera: Camera, size: int, scale: int = 1, frames: int = 3, targets: int = 0) -> dict:
    """Frames in, and as many targets out unless told."""
    gt = camera.clip(size * scale, targets or frames)
    return dict(img=camera.clip(size, frames), gt=gt[0] if targets == 1 else gt, gt_unsharp=gt)


def hole(camera: Camera, size: int) -> dict:
    picture, mask = camera.picture(size), camera.mask(size)
    bbox = [size // 4, size // 4, size // 4, size // 4]
    return dict(img=(picture * (1 - mask)).astype(np.uint8), gt=picture, mask=mask, mask_bbox=bbox)


def matting(camera: Camera, size: int, one_hot: bool = False) -> dict:
    """Foreground on background; the left half of the picture is unknown to the trimap."""
    alpha = 255 * camera.mask(size)
    classes = np.where(alpha > 0, 2, 0)
    classes[:, : size // 2] = 1
    trimap = np.eye(3)[classes[..., 0]] if one_hot else np.array([0, 128, 255])[classes]
    fg, bg = (camera.picture(size, shift).astype(np.float32) for shift in (0, 5))
    merged = np.where(alpha > 0, fg, bg)
    return dict(merged=merged, trimap=trimap.astype(np.float32), alpha=alpha, fg=fg, bg=bg)


@DATASETS.register_module()
class TinySamples(Dataset):
    """Eight samples, of the fields that the function named ``fields`` makes with the further arguments."""

    def __init__(self, fields: str, pack: dict, **arguments) -> None:
        self._make, self._arguments = globals()[fields], arguments
        self._pack = TRANSFORMS.build(pack)

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> dict:
        return self._pack(self._make(Camera(index), **self._arguments))
