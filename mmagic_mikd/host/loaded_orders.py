"""Pictures of a training and of its evaluation have to come in one order of channels.

MMagic's own NAFNet configs train on BGR and evaluate on RGB: the network is scored, and exported, with red and
blue exchanged, and a published teacher sees them exchanged in every batch of its student. Nothing says so.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.config import Config

from ..utils.names import type_name

LOADER = 'LoadImageFromFile'


def about_orders(cfg: Config) -> str | None:
    """A sentence where a picture is loaded in another order for an evaluation than for the training."""
    if ((cfg.get('model') or {}).get('data_preprocessor') or {}).get('output_channel_order'):
        return None  # which brings all to one
    trained = dict(_orders(cfg.get('train_dataloader')))
    for name in ('val_dataloader', 'test_dataloader'):
        for key, order in _orders(cfg.get(name)):
            if trained.get(key, order) != order:
                return (
                    f'train_dataloader loads {key!r} as {trained[key].upper()}, {name} as {order.upper()}, so '
                    'that red and blue are exchanged where the network is scored and exported: set '
                    f'channel_order={order!r} in every {LOADER} of train_dataloader.dataset.pipeline, for '
                    'teacher and student'
                )
    return None


def _orders(value: Any) -> Iterator[tuple[str, str]]:
    """Key and order of each coloured picture that a data loader, or a list of them, reads."""
    if isinstance(value, Mapping):
        if type_name(value.get('type', '')) == LOADER and value.get('color_type', 'color') != 'grayscale':
            yield str(value.get('key')), value.get('channel_order', 'bgr')
        value = value.values()
    elif not isinstance(value, list | tuple):
        return
    for inner in value:
        yield from _orders(inner)
