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

    Dropout is left as it is.

    Args:
        device: type of the device whose draws are moved.

    Attributes:
        drawn: how many were.
    """

    def __init__(self, device: str) -> None:
        super().__init__()
        self._device, self.drawn = device, 0
        self._twins: dict[torch.Generator, tuple[int, torch.Generator]] = {}

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in ALIKE:
            kwargs = {'dtype': args[0].dtype, 'device': args[0].device, **kwargs}
            func, args = ALIKE[func], (args[0].shape,)
        if func in MAKING and self._moves(kwargs.get('device')):
            device = kwargs.pop('device')
            return func(*args, **self._twin(kwargs)).to(device)
        # torch.nn.init gets here as a whole, with its arguments by name
        if func in FILLING or getattr(func, '__module__', '') == 'torch.nn.init':
            tensor, *rest = args or [kwargs.pop('tensor')]
            if self._moves(tensor.device):
                filled = func(tensor.detach().to('cpu', copy=True), *rest, **self._twin(kwargs))
                return _put(filled, tensor)
            args = (tensor, *rest)
        return func(*args, **kwargs)

    def _moves(self, device: Any) -> bool:
        return device is not None and torch.device(device).type == self._device

    def _twin(self, kwargs: dict) -> dict:
        """With a generator of the host for that of a device, seeded alike and as far as it."""
        self.drawn += 1
        own = kwargs.get('generator')
        if own is None:
            return kwargs
        seed, twin = self._twins.get(own, (None, None))
        if seed != own.initial_seed():
            seed, twin = own.initial_seed(), torch.Generator().manual_seed(own.initial_seed())
            self._twins[own] = seed, twin
        return {**kwargs, 'generator': twin}


@torch.no_grad()
def _put(filled: Tensor, tensor: Tensor) -> Tensor:
    return tensor.copy_(filled)
