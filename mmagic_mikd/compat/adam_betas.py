"""StyleGAN2 cannot start training: "betas must be either both floats or both Tensors".

MMagic's StyleGAN2 and StyleGAN3 configs write `betas=(0, 0.99)`; PyTorch's Adam takes no integer any
more (seen with 2.11). No upstream thread. Delete this file when the configs write `0.`, or when the
oldest PyTorch that we support takes integers.
"""

import functools

from . import on_import


def apply(report) -> None:
    on_import.after('mmengine.optim.optimizer.default_constructor', lambda module: report(repair(module)))


def repair(default_constructor) -> bool:
    """Let the toolbox hand on floats where a config has integers; False where PyTorch takes both."""
    if _takes_integers(default_constructor.torch):
        return False
    constructor = default_constructor.DefaultOptimWrapperConstructor
    stock = constructor.__init__

    @functools.wraps(stock)
    def __init__(self, *args, **kwargs):
        stock(self, *args, **kwargs)
        betas = self.optimizer_cfg.get('betas')
        if isinstance(betas, (list, tuple)):
            self.optimizer_cfg = {**self.optimizer_cfg, 'betas': tuple(map(float, betas))}

    constructor.__init__ = __init__
    return True


def _takes_integers(torch) -> bool:
    try:
        torch.optim.Adam([torch.zeros(1)], betas=(0, 0.5))
    except ValueError:
        return False
    return True
