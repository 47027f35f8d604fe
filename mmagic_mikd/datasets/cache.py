"""Images decoded and resized once, for small data sets and short runs."""

import copy
from collections.abc import Sequence

from mmcv.transforms import BaseTransform, Compose
from mmengine.registry import TRANSFORMS


@TRANSFORMS.register_module()
class Cached(BaseTransform):
    """The first steps of a pipeline, done once for each file and kept in memory.

    Whatever draws random numbers has to stay behind it. With worker processes each keeps a cache of its
    own, so it is meant for ``num_workers=0``.

    Args:
        transforms: configs of the steps, such as loading and resizing.
        path: the field of the sample that tells the files apart, such as 'pair_path' or 'gt_path'.
    """

    def __init__(self, transforms: Sequence[dict], path: str) -> None:
        self.transforms, self.path = Compose(transforms), path
        self._kept: dict[str, dict] = {}

    def transform(self, results: dict) -> dict:
        name = results[self.path]
        if name not in self._kept:
            done = self.transforms(dict(results))
            self._kept[name] = {k: v for k, v in done.items() if k not in results or v is not results[k]}
        return {**results, **copy.deepcopy(self._kept[name])}  # a copy: flips work in place
