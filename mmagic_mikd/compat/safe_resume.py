"""Row 6: `--resume` dies with "WeightsUnpickler error: Unsupported global ... HistoryBuffer".

From PyTorch 2.6 on `torch.load` reads nothing but tensors unless it is told which classes are harmless, and
MMEngine 0.10.7 stores its message hub in every checkpoint. Upstream: mmengine#1655, repaired after 0.10.7 by
mmengine#1670. Safe loading stays on: only the classes that a message hub consists of are allowed, a
checkpoint with anything else is still refused. Delete this file when the repaired MMEngine is required.
"""

from . import on_import


def apply(report) -> None:
    on_import.after('mmengine.runner.checkpoint', lambda module: report(repair()))


def repair() -> bool:
    """Allow the history buffers and their NumPy arrays; False where torch has no allow-list."""
    import torch

    if not hasattr(torch.serialization, 'add_safe_globals'):
        return False
    torch.serialization.add_safe_globals(message_hub_classes())
    return True


def message_hub_classes() -> list:
    """What `MessageHub.state_dict()` pickles: HistoryBuffer, and arrays and scalars of plain numbers."""
    import numpy as np
    from mmengine.logging.history_buffer import HistoryBuffer

    reconstruct = np.ndarray(0).__reduce__()[0]
    scalar = np.float64(0).__reduce__()[0]
    kinds = [type(np.dtype(kind)) for kind in ('f2', 'f4', 'f8', 'i4', 'i8', 'u8', '?')]
    return [HistoryBuffer, reconstruct, scalar, np.ndarray, np.dtype, *kinds]
