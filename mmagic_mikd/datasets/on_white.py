"""Pictures with transparency, laid on white."""

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS


@TRANSFORMS.register_module()
class OnWhite(BaseTransform):
    """Pictures with an alpha channel, (H, W, 4) in [0, 255], laid on white: (H, W, 3).

    Others of the folder, without one, are what they were; grey ones get three channels.

    Args:
        key: field with the picture, loaded with ``color_type='unchanged'``.
    """

    def __init__(self, key: str) -> None:
        self.key = key

    def transform(self, results: dict) -> dict:
        picture = results[self.key]
        picture = picture[..., None] if picture.ndim == 2 else picture
        if picture.shape[-1] < 4:
            return {**results, self.key: np.broadcast_to(picture, (*picture.shape[:2], 3)).copy()}
        picture = picture.astype(np.float32)
        alpha = picture[..., 3:] / 255
        flat = picture[..., :3] * alpha + 255 * (1 - alpha)
        return {**results, self.key: flat.round().astype(np.uint8)}
