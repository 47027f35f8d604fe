"""Multiply-accumulates of a whole training, and the processor that performs them."""

import platform
from pathlib import Path

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from .operations import macs_of


class TrainingMacs(TorchDispatchMode):
    """Multiply-accumulates of everything that runs, backward passes and Langevin chains included."""

    macs = 0.0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        self.macs += macs_of(func, args, kwargs or {}, out)
        return out


def cpu_name() -> str:
    """As Linux names it, elsewhere what Python knows; and the instructions that PyTorch uses of it.

    One name may stand for processors of several generations, whose sums differ.
    """
    info = Path('/proc/cpuinfo')
    lines = info.read_text().splitlines() if info.is_file() else []
    names = (line.partition(':')[2].strip() for line in lines if line.startswith('model name'))
    return f'{next(names, platform.processor())}, {torch.backends.cpu.get_cpu_capability()}'
