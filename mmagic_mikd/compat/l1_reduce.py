"""Every Pix2Pix training starts with "size_average and reduce args will be deprecated".

Its pixel loss says `F.l1_loss(..., reduce='mean')`, an argument that PyTorch gave up in 2018 and
reads as `reduction='mean'`. No upstream thread. Delete this file when it says `reduction`.
"""

import inspect

from . import on_import


def apply(report) -> None:
    on_import.after('mmagic.models.editors.pix2pix.pix2pix', lambda module: report(repair(module)))


def repair(pix2pix) -> bool:
    """Let that one module call `l1_loss` by today's argument; False where upstream does."""
    if "reduce='mean'" not in inspect.getsource(pix2pix):
        return False
    pix2pix.F = _Functional(pix2pix.F)
    return True


class _Functional:
    """`torch.nn.functional`, with the old argument of `l1_loss` translated."""

    def __init__(self, stock) -> None:
        self.stock = stock

    def __getattr__(self, name: str):
        return getattr(self.stock, name)

    def l1_loss(self, input, target, reduce: str = 'mean'):
        return self.stock.l1_loss(input, target, reduction=reduce)
