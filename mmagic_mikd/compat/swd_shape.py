"""The sliced Wasserstein distance of images that are not of its `image_shape` is a bare AssertionError.

Nothing tells what they are, and it comes at the first validation. Of images below 16 pixels, which have no
level to compare, it is an IndexError at the end of that, and of sides that cannot be halved a
RuntimeError. No upstream thread.
Delete this file when `SlicedWassersteinDistance` says so itself.
"""

import functools

from ..utils.errors import ConfigError
from . import on_import


def apply(report) -> None:
    on_import.after('mmagic.evaluation.metrics.swd', lambda module: report(repair(module)))


def repair(swd) -> bool:
    """Let the metric look at the images first; ours, which inherits it, too."""
    metric = swd.SlicedWassersteinDistance
    begin, stock = metric.__init__, metric.process

    @functools.wraps(begin)
    def __init__(self, *args, **kwargs):
        begin(self, *args, **kwargs)
        if not self.resolutions:
            raise ConfigError(
                f'{type(self).__name__}.image_shape={tuple(self.image_shape)} has fewer than 16 pixels in '
                'height, the coarsest level that is compared: take the metric out of the evaluator'
            )
        parts, (_, height, width) = 2 ** (len(self.resolutions) - 1), self.image_shape
        if height % parts or width % parts or width < self.nhood_size * parts:
            raise ConfigError(
                f'{type(self).__name__}.image_shape={tuple(self.image_shape)} is halved '
                f'{len(self.resolutions) - 1} times: let both sides be multiples of {parts} and the width at '
                f'least {self.nhood_size * parts}, or take the metric out of the evaluator'
            )

    @functools.wraps(stock)
    def process(self, data_batch, data_samples):
        self.image_shape = tuple(self.image_shape)  # a config's list is equal to no shape
        for sample in data_samples:
            require_shape(self, 'real', sample['gt_img'])
            made = sample.get(self.sample_model, sample)
            require_shape(self, 'generated', made.get(self.fake_key, made.get('fake_img')))
        return stock(self, data_batch, data_samples)

    metric.__init__, metric.process = __init__, process
    return True


def require_shape(metric, kind: str, image) -> None:
    if image is not None and tuple(image.shape) != metric.image_shape:
        raise ConfigError(
            f'{type(metric).__name__}.image_shape={metric.image_shape}, but a {kind} image is '
            f'{tuple(image.shape)}: set it to (channels, HEIGHT, WIDTH) of the images, which the data pipeline '
            'has to bring to one size'
        )
