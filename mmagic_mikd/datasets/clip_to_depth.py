"""A picture made from another one, within the values that the other's number of bits allows."""

import numpy as np
from mmengine.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ClipToDepth:
    """What a filter has made of a picture of 8 or 16 bit, clipped to the values of that, float32.

    A picture of 16 bit becomes float32 itself, with the same values: torch can do little with its type.

    Args:
        key: field with what the filter made.
        like: field with the picture; of floating point numbers there is no highest, and nothing is clipped.
    """

    def __init__(self, key: str, like: str) -> None:
        self.key, self.like = key, like

    def __call__(self, results: dict) -> dict:
        picture, made = results[self.like], results[self.key]
        if np.issubdtype(picture.dtype, np.integer):
            made = np.clip(made, 0, np.iinfo(picture.dtype).max)
            picture = picture if picture.dtype == np.uint8 else picture.astype(np.float32)
        return {**results, self.like: picture, self.key: made.astype(np.float32)}
