"""`--resume` dies with "WeightsUnpickler error: Unsupported global ... HistoryBuffer".

From PyTorch 2.6 on `torch.load` reads only tensors and plain data unless told which classes are
harmless, and MMEngine 0.10.7 stores its message hub in every checkpoint. Upstream: mmengine#1655,
repaired after 0.10.7 by mmengine#1670. Safe loading stays on: exactly what a message hub consists of
is allowed, a checkpoint with anything else in it is still refused. Delete this file when the
repaired MMEngine is required.
"""

import pickle

from . import on_import


def apply(report) -> None:
    on_import.after('mmengine.runner.checkpoint', lambda module: report(repair()))


def repair() -> bool:
    """Put the message hub's parts on torch's allow-list; False where torch has none."""
    import torch

    if not hasattr(torch.serialization, 'add_safe_globals'):
        return False
    torch.serialization.add_safe_globals(message_hub_parts())
    return True


def message_hub_parts() -> list:
    """History buffers, and NumPy arrays and scalars of plain numbers, as NumPy 1 and 2 spell them."""
    import numpy as np
    from mmengine.logging.history_buffer import HistoryBuffer

    reconstruct = np.ndarray(0).__reduce__()[0]
    scalar = np.float64(0).__reduce__()[0]
    kinds = [type(np.dtype(kind)) for kind in ('f2', 'f4', 'f8', 'i4', 'i8', 'u1', 'u8', '?')]
    spelled = [
        (function, f'numpy.{core}.multiarray.{name}')
        for core in ('core', '_core')
        for function, name in ((reconstruct, '_reconstruct'), (scalar, 'scalar'))
    ]
    return [HistoryBuffer, (statistic, 'builtins.getattr'), np.ndarray, np.dtype, *kinds, *spelled]


def statistic(owner: type, name: str):
    """What a checkpoint gets for `getattr`: a history buffer's mean, min, max or current, and nothing else.

    A history buffer pickles its table of statistics as `getattr(HistoryBuffer, 'mean')`. The real
    `getattr` on the allow-list would let a file reach any attribute of anything.
    """
    from mmengine.logging.history_buffer import HistoryBuffer

    HistoryBuffer()  # the first one of a process registers the statistics
    if owner is not HistoryBuffer or name not in HistoryBuffer._statistics_methods:
        raise pickle.UnpicklingError(f'this checkpoint asks for {owner!r}.{name}, which is not allowed')
    return HistoryBuffer._statistics_methods[name]
