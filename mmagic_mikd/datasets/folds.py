"""What small data sets need that the toolbox lacks: a validation part, and pictures with transparency."""

from collections.abc import Sequence

import numpy as np
from mmagic.datasets import UnpairedImageDataset
from mmcv.transforms import BaseTransform
from mmengine.registry import DATASETS, TRANSFORMS


@DATASETS.register_module()
class UnpairedImageFold(UnpairedImageDataset):
    """A part of the training images of an ``UnpairedImageDataset``, such as a validation split.

    Args:
        folds: the images of each domain are dealt out, in the order of their names, to so many folds.
        kept: numbers of the folds that are this dataset, from 0.
        fixed: pair the images in order, as in a test, in place of at random.
        args, kwargs: those of ``UnpairedImageDataset``.
    """

    def __init__(self, *args, folds: int, kept: Sequence[int], fixed: bool = False, **kwargs) -> None:
        self.folds, self.kept = folds, set(kept)
        super().__init__(*args, test_mode=False, **kwargs)
        self.test_mode = fixed

    def _load_domain_data_list(self, dataroot: str) -> list[dict]:
        images = super()._load_domain_data_list(dataroot)
        return [image for number, image in enumerate(images) if number % self.folds in self.kept]


@TRANSFORMS.register_module()
class OnWhite(BaseTransform):
    """Pictures with an alpha channel, (H, W, 4) in [0, 255], laid on white: (H, W, 3).

    Args:
        key: field with the picture, loaded with ``color_type='unchanged'``.
    """

    def __init__(self, key: str) -> None:
        self.key = key

    def transform(self, results: dict) -> dict:
        picture = results[self.key].astype(np.float32)
        alpha = picture[..., 3:] / 255
        flat = picture[..., :3] * alpha + 255 * (1 - alpha)
        return {**results, self.key: flat.round().astype(np.uint8)}
