"""Pix2Pix and CycleGAN cannot start training, `UnboundLocalError: ... 'init_info'`.

`generation_init_weights` writes an initialisation record for every layer that carries a record book,
also for those it did not initialise and has nothing to say about. Upstream: mmagic#2109 (open); its
repair mmagic#2123 was closed unmerged. Delete this file when that is merged and released.
"""

import functools
import inspect
from collections.abc import Iterator
from contextlib import contextmanager

from . import on_import

BOOK = '_params_init_info'


def apply(report) -> None:
    on_import.after('mmagic.models.utils.model_utils', lambda module: report(repair(module)))


def repair(model_utils) -> bool:
    """Initialise with the record books put away, then write one record; False where upstream is sound."""
    stock = model_utils.generation_init_weights
    if 'init_info = None' in inspect.getsource(stock):
        return False

    @functools.wraps(stock)
    def generation_init_weights(module, init_type='normal', init_gain=0.02):
        with _books_put_away(module):
            stock(module, init_type, init_gain)
        if hasattr(module, BOOK):
            model_utils.update_init_info(module, f"Initialize by 'init_type' {init_type}, gain {init_gain}.")

    on_import.replace(stock, generation_init_weights)
    return True


@contextmanager
def _books_put_away(module) -> Iterator[None]:
    books = {layer: vars(layer).pop(BOOK) for layer in module.modules() if BOOK in vars(layer)}
    try:
        yield
    finally:
        for layer, book in books.items():
            setattr(layer, BOOK, book)
