"""`--launcher pytorch` dies on a machine without a GPU.

MMEngine calls `torch.cuda.set_device` for every launcher, the configs name the backend nccl, and
the model wrapper is handed `device_ids`, which PyTorch refuses for a model on the CPU. No upstream
thread. Where there is no accelerator the processes now talk through gloo. Delete this file when
MMEngine launches without one.

MMEngine never leaves the process group. Gloo's threads then outlive the interpreter, and about one
process in twenty ends well and is aborted all the same ("terminate called without an active
exception"), so that the launcher reports a failure. They end with the last reference to the group, and
the model wrapper, which a runner's reference cycles keep alive, holds one.
"""

import atexit
import functools
import gc
from contextlib import contextmanager

from . import on_import


def apply(report) -> None:
    on_import.after('mmengine.dist.utils', lambda module: report(repair_launchers(module)))
    on_import.after('mmengine.model.wrappers.distributed', lambda module: report(repair_wrapper(module)))


def repair_launchers(utils) -> bool:
    """Every launcher, without an accelerator: no device to select, and gloo in place of nccl."""
    stock = utils.init_dist

    @functools.wraps(stock)
    def init_dist(launcher, backend='nccl', **kwargs):
        if _has_accelerator():
            return stock(launcher, backend, **kwargs)
        with _nothing_to_select():
            stock(launcher, 'gloo' if backend == 'nccl' else backend, **kwargs)
        atexit.register(_leave_group)

    on_import.replace(stock, init_dist, package='mmengine')
    return not _has_accelerator()


def repair_wrapper(distributed) -> bool:
    """A model on the CPU has no device ids, whatever the runner says."""
    wrapper = distributed.MMDistributedDataParallel
    stock = wrapper.__init__

    @functools.wraps(stock)
    def init(self, module, *args, **kwargs):
        if all(parameter.device.type == 'cpu' for parameter in module.parameters()):
            kwargs['device_ids'] = None
        stock(self, module, *args, **kwargs)

    wrapper.__init__ = init
    return not _has_accelerator()


def _leave_group() -> None:
    from torch import distributed

    if distributed.is_initialized():
        gc.collect()
        distributed.destroy_process_group()


def _has_accelerator() -> bool:
    from mmengine.device import get_device

    return get_device() != 'cpu'


@contextmanager
def _nothing_to_select():
    import torch

    stock = torch.cuda.set_device
    torch.cuda.set_device = lambda device: None
    try:
        yield
    finally:
        torch.cuda.set_device = stock
