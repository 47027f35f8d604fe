"""Pictures of more than 8 bits are cut at 255 before anything evaluates or draws them.

`DataPreprocessor.destruct` clamps there whatever `std` says, and the true images of an evaluation keep their
65535: every score is of white pictures, without a word. With this both are brought to [0, 255], as all
metrics and visualizers take them. No upstream thread.
Delete this file when `destruct` knows what white is.
"""

import functools

from ..utils.white import white_of
from . import on_import


def apply(report) -> None:
    on_import.after(
        'mmagic.models.data_preprocessors.data_preprocessor', lambda module: report(repair(module))
    )


def repair(module) -> bool:
    preprocessor = module.DataPreprocessor
    stock_destruct, stock_samples = preprocessor.destruct, preprocessor._preprocess_data_sample

    @functools.wraps(stock_destruct)
    def destruct(self, outputs, data_samples=None, key='img'):
        white = white_of(self)
        if white == 255:
            return stock_destruct(self, outputs, data_samples, key)
        images = self._destruct_norm_and_conversion(outputs, data_samples, key)
        return self._destruct_padding(images, data_samples).mul(255 / white).clamp_(0, 255)

    @functools.wraps(stock_samples)
    def _preprocess_data_sample(self, data_samples, training):
        if not training and (white := white_of(self)) != 255:
            for sample in data_samples:
                for key in self.data_keys or ():
                    scale(sample, key, 255 / white)
        return stock_samples(self, data_samples, training)

    preprocessor.destruct = destruct
    preprocessor._preprocess_data_sample = _preprocess_data_sample
    return True


def scale(sample, key: str, factor: float) -> None:
    """Once: a metric that asks a teacher has the preprocessor look at the same sample again."""
    if key in sample and not sample.get(f'{key}_scaled'):
        sample.set_data({key: sample.get(key).float() * factor})
        sample.set_metainfo({f'{key}_scaled': True})
