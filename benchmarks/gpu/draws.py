"""The same random numbers on every device: what is drawn for a GPU is drawn on the host, and moved."""

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

MAKING = (torch.randn, torch.rand, torch.randint, torch.randperm, torch.normal)
ALIKE = {torch.randn_like: torch.randn, torch.rand_like: torch.rand}
FILLING = (Tensor.normal_, Tensor.uniform_, Tensor.random_, Tensor.bernoulli_)


class DrawnOnHost(TorchFunctionMode):
    """A GPU's generator has other numbers than the host's of the same seed; this gives both the host's.

    Attributes:
        drawn: how many calls were moved, of a generator of the device.
    """

    def __init__(self) -> None:
        super().__init__()
        self._twins: dict[torch.Generator, tuple[int, torch.Generator]] = {}
        self.drawn = 0

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in ALIKE:
            like, device = args[0], kwargs.pop('device', None) or args[0].device
            return self._made(ALIKE[func], (like.shape,), {'dtype': like.dtype, **kwargs}, device)
        if func in MAKING and kwargs.get('device') is not None:
            return self._made(func, args, kwargs, kwargs.pop('device'))
        if func in FILLING and args[0].device.type != 'cpu':
            self.drawn += 1
            drawn = func(torch.empty(args[0].shape, dtype=args[0].dtype), *args[1:], **self._twin(kwargs))
            return args[0].copy_(drawn)
        return func(*args, **kwargs)

    def _made(self, func: Any, args: tuple, kwargs: dict, device: Any) -> Tensor:
        self.drawn += 1
        return func(*args, **self._twin(kwargs)).to(device)

    def _twin(self, kwargs: dict) -> dict:
        """With a generator of the host for that of a device, seeded alike and as far as it."""
        own = kwargs.get('generator')
        if own is None:
            return kwargs
        seed, twin = self._twins.get(own, (None, None))
        if seed != own.initial_seed():
            seed, twin = own.initial_seed(), torch.Generator().manual_seed(own.initial_seed())
            self._twins[own] = seed, twin
        return {**kwargs, 'generator': twin}
