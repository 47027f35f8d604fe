"""Pictures with transparency, laid on white."""

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS

from ..utils.errors import ConfigError


@TRANSFORMS.register_module()
class OnWhite(BaseTransform):
    """Pictures with an alpha channel, (H, W, 4), laid on white: (H, W, 3), of 8 or of 16 bits as they were.

    Others of the folder, without one, are what they were; grey ones get three channels.

    Args:
        key: field with the picture, loaded with ``color_type='unchanged'``.

    Raises:
        ConfigError: a picture has other than one, three or four channels.
    """

    def __init__(self, key: str) -> None:
        self.key = key

    def transform(self, results: dict) -> dict:
        picture = results[self.key]
        picture = picture[..., None] if picture.ndim == 2 else picture
        if picture.shape[-1] not in (1, 3, 4):
            file = results.get(f'{self.key}_path', f'the picture in {self.key!r}')
            raise ConfigError(
                f'OnWhite: {file} has {picture.shape[-1]} channels: save it as grey, RGB or RGBA'
            )
        if picture.shape[-1] < 4:
            return {**results, self.key: np.broadcast_to(picture, (*picture.shape[:2], 3)).copy()}
        white = np.iinfo(picture.dtype).max
        alpha = picture[..., 3:].astype(np.float32) / white
        flat = picture[..., :3] * alpha + white * (1 - alpha)
        return {**results, self.key: flat.round().astype(picture.dtype)}
