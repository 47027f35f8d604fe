"""A validation part of the training images, which small unpaired data sets lack."""

from collections.abc import Sequence

from mmagic.datasets import UnpairedImageDataset
from mmengine.registry import DATASETS

from ..utils.checks import require_number, short
from ..utils.errors import ConfigError


@DATASETS.register_module()
class UnpairedImageFold(UnpairedImageDataset):
    """A part of the training images of an ``UnpairedImageDataset``, such as a validation split.

    Args:
        folds: the images of each domain are dealt out, in the order of their names, to so many folds.
        kept: numbers of the folds that are this dataset, from 0.
        fixed: pair the images in order, as in a test, in place of at random.
        args, kwargs: those of ``UnpairedImageDataset``.

    Raises:
        ConfigError: there are no such folds, or no image is in them.
    """

    def __init__(self, *args, folds: int, kept: Sequence[int], fixed: bool = False, **kwargs) -> None:
        require_number('UnpairedImageFold: folds', folds, least=1, whole=True)
        if not isinstance(kept, Sequence) or not kept or any(number not in range(folds) for number in kept):
            raise ConfigError(
                f'UnpairedImageFold: kept={short(kept)} must be a list of folds, numbers from 0 to {folds - 1}'
            )
        self.folds, self.kept = folds, set(kept)
        super().__init__(*args, test_mode=False, **kwargs)
        self.test_mode = fixed

    def _load_domain_data_list(self, dataroot: str) -> list[dict]:
        images = super()._load_domain_data_list(dataroot)
        kept = [image for number, image in enumerate(images) if number % self.folds in self.kept]
        if not kept:
            raise ConfigError(
                f'UnpairedImageFold: {dataroot} has {len(images)} images, of which kept={sorted(self.kept)} of '
                f'folds={self.folds} is none: take fewer folds'
            )
        return kept
