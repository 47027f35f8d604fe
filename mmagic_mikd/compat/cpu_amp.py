"""Mixed precision cannot even be tried on a machine without an accelerator.

`AmpOptimWrapper` asserts a GPU, takes CUDA's loss scaler, which switches itself off without one, and
MMEngine's `autocast` refuses float16 on the CPU. PyTorch has had float16 autocast and a loss scaler
for the CPU since 2.3. No upstream thread. Without an accelerator the wrapper now uses those, and means
by no `dtype` what it means on a GPU: float16. Delete this file when MMEngine takes both from `torch.amp`.
"""

import functools

from . import on_import


def apply(report) -> None:
    on_import.after('mmengine.runner.amp', lambda module: report(repair_autocast(module)))
    on_import.after(
        'mmengine.optim.optimizer.amp_optimizer_wrapper', lambda module: report(repair_wrapper(module))
    )


def repair_autocast(amp) -> bool:
    """float16 on the CPU goes to PyTorch; everything else stays MMEngine's."""
    import torch

    stock = amp.autocast

    @functools.wraps(stock)
    def autocast(device_type=None, dtype=None, enabled=True, cache_enabled=None):
        if dtype is torch.float16 and (device_type or amp.get_device()) == 'cpu':
            return torch.autocast('cpu', dtype=dtype, enabled=enabled, cache_enabled=cache_enabled)
        return stock(device_type, dtype, enabled, cache_enabled)

    amp.autocast = autocast
    for package in ('mmengine', 'mmagic'):
        on_import.replace(stock, autocast, package=package)
    return not _has_accelerator()


def repair_wrapper(amp_optimizer_wrapper) -> bool:
    """A wrapper built without an accelerator scales with the CPU's scaler and casts to float16 by default."""
    import torch

    wrapper = amp_optimizer_wrapper.AmpOptimWrapper
    stock, stock_scaler = wrapper.__init__, amp_optimizer_wrapper.GradScaler

    @functools.wraps(stock)
    def init(self, *args, **kwargs):
        if _has_accelerator():
            return stock(self, *args, **kwargs)
        stock_check = amp_optimizer_wrapper.is_cuda_available
        amp_optimizer_wrapper.is_cuda_available = lambda: True
        amp_optimizer_wrapper.GradScaler = functools.partial(torch.amp.GradScaler, 'cpu')
        try:
            stock(self, *args, **kwargs)
        finally:
            amp_optimizer_wrapper.is_cuda_available = stock_check
            amp_optimizer_wrapper.GradScaler = stock_scaler
        self.cast_dtype = self.cast_dtype or torch.float16

    wrapper.__init__ = init
    return not _has_accelerator()


def _has_accelerator() -> bool:
    from mmengine.device import get_device

    return get_device() != 'cpu'
